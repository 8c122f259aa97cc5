"""Imported scores as an order: a reward model's or a metric's number that came with a response."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from curation.pairing.labels import Judged
from curation.pairing.order import Order, Scored


class ImportedScores(Order):
    """`name` names the score, higher = better; without a name the only score that there is."""

    label: Literal["scores"] = "scores"
    name: str | None = None

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        name = self.name
        if name is None:
            known = {name for each in judged.candidates.values() for name in each.scores}
            if len(known) > 1:
                skipped["several_scores"] += 1
                return
            name = next(iter(known), "")
        scores = {
            id: each.scores[name] for id, each in judged.candidates.items() if name in each.scores
        }
        skipped["unrated_response"] += len(judged.candidates) - len(scores)
        if len(scores) < 2:
            skipped["too_few_rated"] += 1
            return
        yield Scored(scores)
