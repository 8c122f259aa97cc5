"""Weights and soft labels as rows: the same expected loss from a trainer that takes neither."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from math import floor, isfinite

from service.export.layout import TrainingPair

BITS = 53  # of a double


def resample(pairs: Iterable[TrainingPair], seed: int) -> Iterator[TrainingPair]:
    """Repeat each pair n times with E[n] = weight, swapped with probability 1 - soft_label.

    n is ⌊w⌋ or ⌈w⌉. With p the soft label, the sum of the loss over the copies has the expectation
    w·(p·L(chosen ≻ rejected) + (1 - p)·L(rejected ≻ chosen)), which is what a trainer that takes
    both would compute. A pair's copies depend on the seed and its id alone, not on the others.
    Raises ValueError for a weight below 0 or not finite, or a soft label outside 0..1.
    """
    for pair in pairs:
        check(pair)
        whole = floor(pair.weight)
        count = whole + (chance(seed, pair.pair_id, "count") < pair.weight - whole)
        for copy in range(count):
            yield decided(pair, chance(seed, pair.pair_id, f"side {copy}"))


def decided(pair: TrainingPair, drawn: float) -> TrainingPair:
    """One copy, whose weight is 1 and whose label is certain."""
    certain = replace(pair, weight=1.0, soft_label=None)
    if pair.soft_label is None or drawn < pair.soft_label:
        return certain
    return replace(
        certain,
        chosen=pair.rejected,
        rejected=pair.chosen,
        score_chosen=pair.score_rejected,
        score_rejected=pair.score_chosen,
        chosen_image=pair.rejected_image,
        rejected_image=pair.chosen_image,
        margin=None if pair.margin is None else -pair.margin,
    )


def chance(seed: int, pair_id: str, purpose: str) -> float:
    """Uniform in [0, 1), the same for the same arguments everywhere."""
    digest = blake2b(f"{seed}:{purpose}:{pair_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> (64 - BITS)) / (1 << BITS)


def check(pair: TrainingPair) -> None:
    if not isfinite(pair.weight) or pair.weight < 0:
        raise ValueError(f"the weight of {pair.pair_id} is {pair.weight}: no count")
    if pair.soft_label is not None and not 0 <= pair.soft_label <= 1:
        raise ValueError(f"the soft label of {pair.pair_id} is {pair.soft_label}: no probability")
