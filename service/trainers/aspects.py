"""Vectors of scores (E10): attribute-conditioned training, and pairs with margins of the rest."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from service.export.contests import alone, aspects, three_columns
from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES, plain
from service.formats.fields import turns_of
from service.formats.record import Record, Response

SCORES: Any = pa.list_(pa.struct([("aspect", pa.string()), ("score", pa.float64())]))


class AspectScores(RecordLayout):
    """A row a rated response: the mean rating of each aspect, "overall" where none was named."""

    name: ClassVar[str] = "aspect_scores"
    description: ClassVar[str] = "Answers with a score an aspect (SteerLM, DPA)"

    def features(self) -> Any:
        return pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("scores", SCORES)])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            scores = aspects(each.record)
            for response in each.record.responses:
                if response.id in scores:
                    values = {
                        "prompt": plain(each.record.messages),
                        "completion": plain(turns_of(response)),
                        "scores": listed(scores[response.id]),
                    }
                    yield Row(values, each.origin)

    def tells(self, record: Record) -> Mapping[str, int]:
        return alone(each for each in record.ratings if each.response and each.turn is None)


class AspectPairs(RecordLayout):
    """Pairs that differ in `aspect`, with MODPO's margin of the other aspects (2310.03708).

    `margin` is the difference in the aspect; `margin_other` = (1/w)·Σ w_j·Δ_j over the others,
    where w = `weight` and the others share 1 - w equally. Pairs with no other aspect have none.
    """

    name: ClassVar[str] = "aspect_pairs"
    description: ClassVar[str] = "Pairs by one aspect, with the margin of the others (MODPO)"
    takes_margin: ClassVar[bool] = True

    aspect: str = "overall"
    weight: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def features(self) -> Any:
        messages = [(name, MESSAGES) for name in ("prompt", "chosen", "rejected")]
        numbers = [(name, pa.float64()) for name in ("margin", "margin_other")]
        scores = [(name, SCORES) for name in ("scores_chosen", "scores_rejected")]
        return pa.schema([*messages, *numbers, *scores])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            scores = aspects(each.record)
            for better, worse in self.pairs(each.record, scores):
                values = three_columns(each.record, better, worse)
                compared = self.compared(scores[better.id], scores[worse.id])
                yield Row(values | compared, each.origin)

    def pairs(
        self, record: Record, scores: Mapping[str, Mapping[str, float]]
    ) -> Iterator[tuple[Response, Response]]:
        """The better first."""
        rated = [one for one in record.responses if self.aspect in scores.get(one.id, {})]
        rated = sorted(rated, key=lambda one: -scores[one.id][self.aspect])
        for better, worse in combinations(rated, 2):
            apart = scores[better.id][self.aspect] > scores[worse.id][self.aspect]
            if apart and better.content() != worse.content():
                yield better, worse

    def tells(self, record: Record) -> Mapping[str, int]:
        paired = {each.id for pair in self.pairs(record, aspects(record)) for each in pair}
        return alone(
            each for each in record.ratings if each.response in paired and each.turn is None
        )

    def compared(self, best: Mapping[str, float], worst: Mapping[str, float]) -> dict[str, Any]:
        others = [best[name] - worst[name] for name in best if name in worst]
        margin = best[self.aspect] - worst[self.aspect]
        others.remove(margin)
        share = (1 - self.weight) / len(others) if others else 0.0
        return {
            "margin": margin,
            "margin_other": sum(share * gap for gap in others) / self.weight if others else None,
            "scores_chosen": listed(best),
            "scores_rejected": listed(worst),
        }


def listed(scores: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"aspect": aspect, "score": score} for aspect, score in scores.items()]
