"""Whether there is time for one more split of a recipe."""

from collections.abc import Mapping, Sequence

from service.advice.deciding import LEAST_SPLITS

MARGIN = 1.2  # a split may take so many times as long as the longest before it


def fits(name: str, spent: Mapping[str, Sequence[float]], left: float) -> bool:
    """`spent`: seconds of the splits so far, of every recipe in the order of their rank.

    It must end in time, and leave enough for the recipes before it to reach LEAST_SPLITS: where
    the time is short a few recipes are measured well, not all of them too little.
    """
    longest = max((max(each) for each in spent.values() if each), default=0.0)
    reserved = 0.0
    for other, seconds in spent.items():
        if other == name:
            break
        reserved += max(LEAST_SPLITS - len(seconds), 0) * max(seconds, default=longest)
    return left >= MARGIN * (max(spent[name], default=longest) + reserved)
