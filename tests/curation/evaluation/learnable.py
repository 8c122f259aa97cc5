"""Preference pairs whose truth is known: the better response lies along a hidden direction."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from curation.items import Pairs, View

DIMENSION = 12


def learnable(n: int, seed: int, flips: float = 0.0) -> Pairs:
    """n pairs of n prompts; a share `flips` is labelled the wrong way round."""
    rng = np.random.default_rng(seed)
    prompt, left, right = (unit(rng.normal(size=(n, DIMENSION))) for _ in range(3))
    left_wins = (left - right) @ DIRECTION > 0
    left_wins ^= rng.random(n) < flips
    words = [hashlib.sha256(f"{seed} {i}".encode()).hexdigest() for i in range(n)]
    names = [("a", "b") if wins else ("b", "a") for wins in left_wins]
    chosen = np.where(left_wins[:, None], left, right).astype(np.float32)
    rejected = np.where(left_wins[:, None], right, left).astype(np.float32)
    return Pairs(
        [word[:12] for word in words],
        [f"p{word[:12]}" for word in words],
        [f"prompt {word[:8]}" for word in words],
        [f"answer {word[8:16]} {a}" for word, (a, _) in zip(words, names, strict=True)],
        [f"answer {word[8:16]} {b}" for word, (_, b) in zip(words, names, strict=True)],
        {
            View.prompt: prompt.astype(np.float32),
            View.chosen: chosen,
            View.rejected: rejected,
            View.prompt_chosen: chosen,
            View.prompt_rejected: rejected,
        },
    )


def truth(pairs: Pairs) -> NDArray[np.float64]:
    """1 where the label of a learnable pair is right, -1 where it was flipped."""
    difference = pairs.vectors[View.chosen] - pairs.vectors[View.rejected]
    return np.where(difference @ DIRECTION > 0, 1.0, -1.0)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


DIRECTION = unit(np.random.default_rng(99).normal(size=(1, DIMENSION)))[0]
