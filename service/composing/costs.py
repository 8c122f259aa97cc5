"""Tokens of pairs, by a tokenizer that the user names, or estimated from bytes."""

from collections.abc import Sequence

import numpy as np

from curation.items import Indices, Pairs
from service.composing.asked import TokenizerUse
from service.export.tokenizers import digest, load_tokenizer

BYTES_A_TOKEN = 4  # of UTF-8; docs/subsets.md says how far off that is
ESTIMATE = f"estimate: bytes of UTF-8 / {BYTES_A_TOKEN}, of prompt, chosen and rejected"
BATCH = 1000  # texts


def tokenizer_use(name: str) -> TokenizerUse:
    """Raises ModelNotAllowed where there is no such tokenizer here."""
    return TokenizerUse(name=name, sha256=digest(name))


def counted_by(tokenizer: TokenizerUse | None) -> str:
    if tokenizer is None:
        return ESTIMATE
    return f"tokenizer {tokenizer.name} ({tokenizer.sha256[:16]}), of prompt, chosen and rejected"


def tokens_of(pairs: Pairs, tokenizer: TokenizerUse | None) -> Indices:
    """(n,) tokens of prompt, chosen and rejected together, without what a template adds.

    Loads transformers where a tokenizer is named: for workers. Raises ModelNotAllowed.
    """
    first = {name: row for row, name in reversed([*enumerate(pairs.prompt_ids)])}
    prompts = lengths([pairs.prompts[row] for row in first.values()], tokenizer)
    by_prompt = dict(zip(first, prompts.tolist(), strict=True))
    asked = np.array([by_prompt[name] for name in pairs.prompt_ids], np.int64)
    return asked + lengths(pairs.chosen, tokenizer) + lengths(pairs.rejected, tokenizer)


def lengths(texts: Sequence[str], tokenizer: TokenizerUse | None) -> Indices:
    if tokenizer is None:
        sizes = [len(text.encode("utf-8", "surrogatepass")) for text in texts]
        return -(-np.array(sizes, np.int64) // BYTES_A_TOKEN)
    encode = load_tokenizer(tokenizer.name).tokenizer
    found: list[int] = []
    for start in range(0, len(texts), BATCH):
        ids = encode(list(texts[start : start + BATCH]), add_special_tokens=False)["input_ids"]
        found += map(len, ids)
    return np.array(found, np.int64)
