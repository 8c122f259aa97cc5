"""Whatever orders a prompt's responses: ratings, else rankings, else imported scores."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from curation.pairing.labels import Judged
from curation.pairing.order import Order, Scored
from curation.pairing.percentiles import Percentiles
from curation.pairing.rankings import Rankings
from curation.pairing.ratings import Ratings


class BestKnown(Order):
    """The first kind of label that orders two of the prompt's responses, people's before models'.

    For recipes that run on any file; margins are in the unit of the labels that were found, so
    gaps of different prompts may not compare.
    """

    label: Literal["best_known"] = "best_known"

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        for order in (Ratings(), Rankings(), Percentiles()):
            why: Counter[str] = Counter()
            found = list(order.lists(judged, why))
            if found:
                skipped.update(why)
                yield from found
                return
        skipped["too_few_rated"] += 1
