"""Critiques (E08): a rationale beside the pair or the answer that it is about."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa

from service.export.contests import Contest, contests, three_columns, told
from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES, plain
from service.formats.fields import turns_of
from service.formats.record import Record
from service.tables.labels import Outcome

SAID = {Outcome.a: "chosen", Outcome.b: "rejected"}


class CritiquePairs(RecordLayout):
    """A row a rationale of a decided pair.

    `judgement` is what its author preferred, chosen, rejected, tie or both_bad, which need not be
    what the votes decided; `critique_source` is human, model or rule, or null.
    """

    name: ClassVar[str] = "critique_pairs"
    relabels: ClassVar[Literal["added", "decides"] | None] = "decides"
    description: ClassVar[str] = "Pairs with rationales (rationale-DPO, natural-language feedback)"

    def features(self) -> Any:
        messages = [(name, MESSAGES) for name in ("prompt", "chosen", "rejected")]
        texts = ("rationale", "judgement", "critique_source")
        return pa.schema([*messages, *((name, pa.string()) for name in texts)])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for found in contests(each.record):
                for said in found.comparisons:
                    if said.rationale and not found.is_tie:
                        values = three_columns(each.record, found.better, found.worse)
                        values["rationale"] = said.rationale
                        values["judgement"] = SAID.get(said.outcome, said.outcome.value)
                        values["critique_source"] = said.annotator and said.annotator.kind
                        yield Row(values, each.origin)

    def tells(self, record: Record) -> Mapping[str, int]:
        return told(record, with_rationale)


class CritiqueAnswers(RecordLayout):
    """A row a rationale of a rating of a whole response; `score` as it was given."""

    name: ClassVar[str] = "critique_answers"
    description: ClassVar[str] = "Answers with judgements (CUT): prompt, completion, judgement"

    def features(self) -> Any:
        messages = [(name, MESSAGES) for name in ("prompt", "completion")]
        texts = [(name, pa.string()) for name in ("judgement", "aspect", "critique_source")]
        return pa.schema([*messages, *texts, ("score", pa.float64())])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            answers = {response.id: response for response in each.record.responses}
            for said in each.record.ratings:
                if said.rationale and said.response is not None and said.turn is None:
                    values: dict[str, Any] = {
                        "prompt": plain(each.record.messages),
                        "completion": plain(turns_of(answers[said.response])),
                        "judgement": said.rationale,
                        "aspect": said.aspect,
                        "critique_source": said.annotator and said.annotator.kind,
                        "score": said.value,
                    }
                    yield Row(values, each.origin)

    def tells(self, record: Record) -> Mapping[str, int]:
        whole = (each for each in record.ratings if each.response and each.turn is None)
        return {"ratings": sum(bool(each.rationale) for each in whole)}


def with_rationale(found: Contest) -> int:
    return 0 if found.is_tie else sum(bool(each.rationale) for each in found.comparisons)
