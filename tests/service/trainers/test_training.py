"""TRL's own trainers take one step on what was written, with a model of a few thousand weights."""

from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer

from service.trainers import LAYOUTS
from tests.service.export.tiny_tokenizer import tokenizer
from tests.service.trainers.pairs import pair, says, user, write

SIZES: Any = {
    "vocab_size": 16, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "pad_token_id": 3, "eos_token_id": 2, "bos_token_id": 2,
}  # fmt: skip
PAIRS = [
    pair(index, user("one two three"), chosen=says("four five"), rejected=says("six"))
    for index in range(4)
]


@pytest.mark.parametrize(
    ("name", "options", "config", "trainer"),
    [
        ("trl_preference", {}, DPOConfig, DPOTrainer),
        ("trl_unpaired", {}, KTOConfig, KTOTrainer),
        ("trl_reward", {"margin": True}, RewardConfig, RewardTrainer),
    ],
)
def test_trl_takes_a_step(
    name: str, options: dict[str, Any], config: Any, trainer: Any, tmp_path: Path
) -> None:
    write(LAYOUTS[name].model_validate(options), {"train": PAIRS}, tmp_path)
    data = load_dataset(str(tmp_path / "data"), cache_dir=str(tmp_path / "cache"))["train"]
    words = tokenizer(tmp_path).tokenizer
    words.pad_token, words.eos_token = "<unk>", "<end>"
    labels = {"num_labels": 1} if name == "trl_reward" else {}
    kind = LlamaForSequenceClassification if labels else LlamaForCausalLM
    kind(LlamaConfig(**SIZES | labels)).save_pretrained(str(tmp_path / "model"))
    run = trainer(
        model=str(tmp_path / "model"),
        args=config(
            output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=4,
            use_cpu=True, bf16=False, report_to=[], save_strategy="no", disable_tqdm=True,
        ),
        train_dataset=data,
        processing_class=words,
    )  # fmt: skip
    done = run.train()
    assert done.global_step == 1
    assert isfinite(done.training_loss)
