"""Repeated K-fold splits by prompt, the same for every subset that is compared."""

import re
from typing import NamedTuple

import numpy as np

from curation.items import Indices, Pairs

FOLDS = 5
SPLITS = 10
WORD = re.compile(r"\w+")


class Split(NamedTuple):
    """Rows to learn from and rows to test on; no prompt is in both."""

    train: Indices
    test: Indices


def groups(pairs: Pairs) -> list[str]:
    """What must not be split: prompts with the same words in the same order.

    Case, punctuation and space don't count. Prompts that say the same in other words are not
    recognised. A prompt without a word is a group by its id.
    """
    return [
        " ".join(WORD.findall(prompt.casefold())) or f"id {prompt_id}"
        for prompt, prompt_id in zip(pairs.prompts, pairs.prompt_ids, strict=True)
    ]


def split(pairs: Pairs, number: int, seed: int) -> Split:
    """Fold `number % FOLDS` of repeat `number // FOLDS` held out; folds of about equal size.

    Depends on the prompts and the seed, not on the order of the rows.
    """
    repeat, fold = divmod(number, FOLDS)
    group = groups(pairs)
    names, of_row, sizes = np.unique(group, return_inverse=True, return_counts=True)
    order = np.random.default_rng([seed, repeat]).permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order]
    fold_of = np.empty(len(names), np.int64)
    fold_of[order] = before * FOLDS // max(len(group), 1)
    held_out = fold_of[of_row] == fold
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))
