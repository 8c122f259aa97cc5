"""Personal reward models (E11): what an annotator preferred, and what they judged before."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from service.export.contests import (
    Contest,
    agreed,
    contest,
    contests,
    pair_name,
    pseudonym,
    three_columns,
    told,
)
from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES
from service.formats.record import Comparison, Record

MORE_THAN_ENOUGH = 1000


class Personal(RecordLayout):
    """A row an annotator and pair; those who gave no preference, or both, have none.

    `annotator_id` is a pseudonym, `group` the annotator's kind (human, model, rule: labels name no
    other), `history_pair_ids` the last pairs of this file that the same annotator judged before,
    at most `history` of them. Labels have no time: before is the order of the file.
    """

    name: ClassVar[str] = "personal"
    description: ClassVar[str] = "Preferences by annotator, with their history (PAL, VPL)"

    history: Annotated[int, Field(ge=0, le=MORE_THAN_ENOUGH)] = 8

    def features(self) -> Any:
        texts = [(name, pa.string()) for name in ("pair_id", "annotator_id", "group")]
        messages = [(name, MESSAGES) for name in ("prompt", "chosen", "rejected")]
        return pa.schema([*texts, ("history_pair_ids", pa.list_(pa.string())), *messages])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        judged: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=self.history))
        for each in records:
            for found in contests(each.record):
                pair_id = pair_name(each.prompt_id, found)
                for who in dict.fromkeys(said.annotator for said in found.comparisons):
                    said = [one for one in found.comparisons if one.annotator == who]
                    own = contest(found.better, found.worse, said)
                    if who is None or own.is_tie:
                        continue
                    values: dict[str, Any] = {
                        "pair_id": pair_id,
                        "annotator_id": pseudonym(who),
                        "group": who.kind,
                        "history_pair_ids": [*judged[pseudonym(who)]],
                    }
                    texts = three_columns(each.record, own.better, own.worse)
                    yield Row(values | texts, each.origin)
                    judged[pseudonym(who)].append(pair_id)

    def tells(self, record: Record) -> Mapping[str, int]:
        return told(record, agreed_by_each)


def agreed_by_each(found: Contest) -> int:
    """The judgments of those who have a row: all of an annotator who never says otherwise."""
    said: defaultdict[Any, list[Comparison]] = defaultdict(list)
    for each in found.comparisons:
        said[each.annotator].append(each)
    own = [contest(found.better, found.worse, said[who]) for who in said if who is not None]
    return sum(agreed(each) for each in own if not each.is_tie)
