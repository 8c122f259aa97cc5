"""Rankings as an order: the mean tier of each response over the rankings that belong together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum
from statistics import median
from typing import Literal

from pydantic import Field

from curation.pairing.labels import Judged, Ranked
from curation.pairing.order import Order, Scored


class Rankings(Order):
    """s(y) = minus the mean (or median) over rankings of y's tier, the best tier being 0.

    Rankings that share a response belong to one list, and only responses that all of them name are
    compared; rankings of other responses are lists of their own.
    """

    label: Literal["rankings"] = "rankings"
    aspect: str | None = Field(default=None, description="of the rankings; without: overall ones")
    annotators: Literal["mean", "median"] = "mean"

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        for group in connected(of_aspect(judged.rankings, self.aspect)):
            voters = on_common(group, skipped)
            if len(voters[0]) < 2:
                skipped["too_few_ranked"] += 1
                continue
            combine = median if self.annotators == "median" else mean
            yield Scored({id: combine([v[id] for v in voters]) for id in voters[0]}, voters)


def mean(values: Sequence[float]) -> float:
    """The same in any order of the values."""
    return fsum(values) / len(values)


def of_aspect(rankings: Sequence[Ranked], aspect: str | None) -> list[Ranked]:
    """Those of an aspect; without one the overall rankings, or all where each has an aspect."""
    found = [ranking for ranking in rankings if ranking.aspect == aspect]
    return list(rankings) if aspect is None and not found else found


def ids_of(ranking: Ranked) -> set[str]:
    return {id for tier in ranking.tiers for id in tier}


def connected(rankings: Sequence[Ranked]) -> list[list[Ranked]]:
    """Groups of rankings that share responses, directly or through others."""
    groups: list[tuple[set[str], list[Ranked]]] = []
    for ranking in rankings:
        ids, members = ids_of(ranking), [ranking]
        apart: list[tuple[set[str], list[Ranked]]] = []
        for known, others in groups:
            if known & ids:
                ids, members = ids | known, others + members
            else:
                apart.append((known, others))
        groups = [*apart, (ids, members)]
    return [members for _, members in groups]


def on_common(rankings: Sequence[Ranked], skipped: Counter[str]) -> list[dict[str, float]]:
    """Each ranking as scores (minus the tier) of the responses that all of them name."""
    named = [ids_of(ranking) for ranking in rankings]
    common = set[str].intersection(*named)
    skipped["not_in_all_rankings"] += len(set[str].union(*named) - common)
    return [tier_scores(ranking, common) for ranking in rankings]


def tier_scores(ranking: Ranked, wanted: set[str]) -> dict[str, float]:
    """Tiers are counted anew without the responses that are left out."""
    kept = [tier for tier in ([id for id in t if id in wanted] for t in ranking.tiers) if tier]
    return {id: -float(place) for place, tier in enumerate(kept) for id in tier}
