"""Every TRL export is loaded by `datasets` and goes through TRL's own code."""

from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from trl.data_utils import (
    extract_prompt,
    is_conversational,
    maybe_extract_prompt,
    maybe_unpair_preference_dataset,
)
from trl.scripts.utils import ScriptArguments, TrlParser
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.kto_config import KTOConfig
from trl.trainer.model_config import ModelConfig
from trl.trainer.reward_config import RewardConfig

from service.formats import FORMATS
from service.formats.record import Record, Response
from service.formats.thumbs import up_or_down
from service.trainers import LAYOUTS
from service.trainers.trl import TrlReward
from tests.service.trainers.pairs import PAIRS, user, write


def loaded(name: str, given: list[Any], folder: Path, **options: Any) -> Any:
    write(LAYOUTS[name](**options), {"train": given, "test": given[:2]}, folder)
    return load_dataset(str(folder), cache_dir=str(folder / "cache"))


@pytest.mark.parametrize("name", ["trl_preference", "trl_reward"])
def test_pairs_load_as_preferences_that_trl_takes_as_they_are(name: str, tmp_path: Path) -> None:
    data = loaded(name, PAIRS, tmp_path)
    assert data.num_rows == {"train": 7, "test": 2}
    for row, pair in zip(data["train"], PAIRS, strict=True):
        assert is_conversational(row)
        assert maybe_extract_prompt(row) == row
        assert row == {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
        joined = {"chosen": row["prompt"] + row["chosen"]}
        joined["rejected"] = row["prompt"] + row["rejected"]
        assert extract_prompt(joined) == row


def test_unpaired_rows_are_what_trl_makes_of_the_pairs(tmp_path: Path) -> None:
    """C10: a pair is two unary rows."""
    (tmp_path / "pairs").mkdir()
    (tmp_path / "unpaired").mkdir()
    paired = loaded("trl_preference", PAIRS, tmp_path / "pairs")["train"]
    ours = loaded("trl_unpaired", PAIRS, tmp_path / "unpaired")["train"]
    theirs = maybe_unpair_preference_dataset(paired)

    def order(row: dict[str, Any]) -> str:
        return repr(sorted(row.items()))

    assert maybe_unpair_preference_dataset(ours) is ours
    assert sorted(ours, key=order) == sorted(theirs, key=order)
    assert sum(ours["label"]) == len(PAIRS)


def test_a_margin_is_a_column_only_where_asked_for(tmp_path: Path) -> None:
    data = loaded("trl_reward", PAIRS, tmp_path, margin=True)["train"]
    assert data["margin"] == [pair.margin for pair in PAIRS]
    assert TrlReward().columns == ("prompt", "chosen", "rejected")


def test_thumbs_and_steps_leave_with_their_labels_and_gaps_stay_out(tmp_path: Path) -> None:
    thumbs = Record(
        user("2 + 2?"),
        (Response("a", "4"), Response("b", "5"), Response("c", "6")),
        ratings=(up_or_down(True, "a"), up_or_down(False, "b")),
    )
    steps: Record = FORMATS["trl_stepwise"].read(
        {"prompt": "1 + 2 + 3?", "completions": ["1 + 2 = 3", "3 + 3 = 7"], "labels": [True, False]}
    )
    (tmp_path / "thumbs").mkdir()
    (tmp_path / "steps").mkdir()
    found = loaded("trl_thumbs", [thumbs, thumbs], tmp_path / "thumbs")["train"]
    assert [(row["completion"][0]["content"], row["label"]) for row in found] == [
        ("4", True), ("5", False),
    ] * 2  # fmt: skip
    found = loaded("trl_stepwise", [steps, steps], tmp_path / "steps")["train"]
    assert found[0] == {
        "prompt": "1 + 2 + 3?",
        "completions": ["1 + 2 = 3", "3 + 3 = 7"],
        "labels": [True, False],
    }


def test_each_prompt_leaves_once(tmp_path: Path) -> None:
    data = loaded("trl_prompts", PAIRS, tmp_path)["train"]
    prompts = [row["prompt"] for row in data]
    assert prompts == [PAIRS[index].prompt for index in (0, 2, 4, 6)]


@pytest.mark.parametrize(
    ("name", "config", "file"),
    [
        ("trl_preference", DPOConfig, "trl_dpo.yaml"),
        ("trl_reward", RewardConfig, "trl_reward.yaml"),
        ("trl_unpaired", KTOConfig, "trl_kto.yaml"),
        ("trl_prompts", GRPOConfig, "trl_grpo.yaml"),
    ],
)
def test_trls_own_parser_takes_the_configuration(
    name: str, config: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(name, PAIRS, tmp_path)
    kinds: Any = (ScriptArguments, config, ModelConfig)
    parser = TrlParser(kinds)
    given = ["--config", str(tmp_path / file), "--output_dir", str(tmp_path / "out")]
    script, training, _ = parser.parse_args_and_config(
        [*given, "--bf16", "false", "--use_cpu"], fail_with_unknown_args=True
    )
    monkeypatch.chdir(tmp_path)
    data = load_dataset(script.dataset_name, cache_dir=str(tmp_path / "cache"))
    assert {script.dataset_train_split, script.dataset_test_split} == set(data)
    assert name == "trl_prompts" or training.max_length == 128
