"""Counts matches one by one, with the first few of each kind by name."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from service.diff.matching import Entry, Match, unpacked
from service.diff.result import Rescored

TOLERANCE = 1e-6  # a score that differs by less is the same


class Counts(NamedTuple):
    kept: int = 0
    added: int = 0
    removed: int = 0
    flipped: int = 0
    moved: int = 0
    rescored: int = 0


class Change:
    """Of one score, over the pairs that have another value now."""

    def __init__(self) -> None:
        self.pairs = self.missing = 0
        self.total = self.largest = 0.0

    def add(self, before: float, after: float) -> bool:
        """Was it a change?"""
        if math.isnan(before) or math.isnan(after):
            changed = math.isnan(before) != math.isnan(after)
            self.missing += changed
        else:
            changed = before != after and not abs(after - before) <= TOLERANCE
            if changed:
                self.total += after - before
                self.largest = max(self.largest, abs(after - before))
        self.pairs += changed
        return changed


class Tally:
    def __init__(self, scores: Sequence[str], examples: int) -> None:
        self.examples = examples
        self.counts = Counts()
        self.pairs = [0, 0]
        self.changes = {name: Change() for name in scores}
        kinds = ("added", "removed", "flipped", "rescored")
        self.shown: dict[str, list[Any]] = {f"{kind}_pairs": [] for kind in kinds}

    def add(self, match: Match) -> None:
        for side, entry in enumerate(match):
            self.pairs[side] += entry is not None
        if match.a is None or match.b is None:
            kind, alone = ("added", match.b) if match.a is None else ("removed", match.a)
            assert alone is not None
            self.note(kind, alone.pair_id)
            return
        both = (match.a.pair_id, match.b.pair_id)
        if match.a.split != match.b.split:
            self.count("moved")
        if match.flipped:
            self.note("flipped", both)
            return
        self.count("kept")
        if self.rescored(match.a, match.b):
            self.note("rescored", both)

    def rescored(self, a: Entry, b: Entry) -> bool:
        if a.scores == b.scores:
            return False
        values = zip(unpacked(a.scores), unpacked(b.scores), strict=True)
        changes = zip(self.changes.values(), values, strict=True)
        return any([change.add(*each) for change, each in changes])  # all of them are counted

    def note(self, kind: str, found: Any) -> None:
        self.count(kind)
        if len(self.shown[f"{kind}_pairs"]) < self.examples:
            self.shown[f"{kind}_pairs"].append(found)

    def count(self, kind: str) -> None:
        self.counts = self.counts._replace(**{kind: getattr(self.counts, kind) + 1})

    def by_name(self) -> dict[str, Any]:
        """The counts and the first ids, as fields of `Diff`."""
        return {**self.counts._asdict(), **self.shown}

    def score(self, name: str) -> Rescored:
        change = self.changes[name]
        numbers = change.pairs - change.missing
        return Rescored(
            name=name,
            pairs=change.pairs,
            missing=change.missing,
            mean_change=change.total / numbers if numbers else None,
            largest_change=change.largest if numbers else None,
        )

    @property
    def same(self) -> bool:
        return self.counts == Counts(kept=self.counts.kept)
