"""Which prompts of a subset are held out for testing."""

import hashlib
from collections.abc import Iterable

TEST_FRACTION = 0.05
SMALLEST_SPLIT = 20  # prompts; below that there is no test split


def test_prompts(prompt_ids: Iterable[str], seed: int, fraction: float) -> frozenset[str]:
    """The prompts with the lowest hash of seed and id: a share of them, rounded, at least one.

    A whole prompt goes to one side, so no prompt is in both. Under 20 prompts, or with a
    fraction of 0, nothing is held out.
    """
    distinct = set(prompt_ids)
    if len(distinct) < SMALLEST_SPLIT or fraction <= 0:
        return frozenset()
    count = max(1, round(fraction * len(distinct)))

    def place(prompt_id: str) -> tuple[bytes, str]:
        return hashlib.sha256(f"{seed}:{prompt_id}".encode()).digest(), prompt_id

    return frozenset(sorted(distinct, key=place)[:count])
