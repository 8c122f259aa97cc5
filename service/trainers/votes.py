"""Reward models from every vote (E04), with what E01 knows of a pair: flip rate and gold."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa

from service.export.contests import (
    Contest,
    agreed,
    aspects,
    contests,
    pseudonym,
    three_columns,
    told,
)
from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES
from service.formats.record import Record

ATTRIBUTE: Any = pa.struct([("aspect", pa.string()), ("margin", pa.float64())])


class Votes(RecordLayout):
    """A row a pair of responses that the votes decide; `ties` adds the others, soft label 0.5.

    `annotator_ids` are pseudonyms, one a vote in the order given; `attributes` the difference
    of the two mean ratings in each aspect. `gold` is whether the gold label agrees, or null.
    """

    name: ClassVar[str] = "reward_votes"
    relabels: ClassVar[Literal["added", "decides"] | None] = "decides"
    description: ClassVar[str] = "Reward models from all votes: margin, soft label, annotators"
    takes_margin: ClassVar[bool] = True
    takes_soft_label: ClassVar[bool] = True

    ties: bool = False

    def features(self) -> Any:
        messages = [(name, MESSAGES) for name in ("prompt", "chosen", "rejected")]
        numbers = [(name, pa.float64()) for name in ("margin", "soft_label", "flip_rate")]
        said = [("annotator_ids", pa.list_(pa.string())), ("attributes", pa.list_(ATTRIBUTE))]
        return pa.schema([*messages, *numbers, *said, ("gold", pa.bool_())])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            scores = aspects(each.record)
            for found in contests(each.record):
                if self.ties or not found.is_tie:
                    values = three_columns(each.record, found.better, found.worse)
                    yield Row(values | said_of(found, scores, each.record.gold), each.origin)

    def tells(self, record: Record) -> Mapping[str, int]:
        return told(record, lambda found: agreed(found) if self.ties or not found.is_tie else 0)


def said_of(
    found: Contest, scores: Mapping[str, Mapping[str, float]], gold: Mapping[str, Any] | None
) -> dict[str, Any]:
    better, worse = (scores.get(each.id, {}) for each in (found.better, found.worse))
    voters = [each.annotator for each in found.comparisons if each.annotator is not None]
    return {
        "margin": found.margin,
        "soft_label": found.soft_label,
        "flip_rate": found.flip_rate,
        "annotator_ids": [pseudonym(voter) for voter in voters],
        "attributes": [
            {"aspect": aspect, "margin": better[aspect] - worse[aspect]}
            for aspect in better
            if aspect in worse
        ],
        "gold": agrees(found, gold or {}),
    }


def agrees(found: Contest, gold: Mapping[str, Any]) -> bool | None:
    """None where the gold label says nothing of the two."""
    best, worst = gold.get("better") or (), gold.get("worse") or ()
    if found.better.id in best and found.worse.id in worst:
        return True
    return False if found.worse.id in best and found.better.id in worst else None
