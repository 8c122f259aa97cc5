"""Generative reward models (E12): a judge's dialogue that ends in a verdict, in both orders."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import pyarrow as pa

from service.export.contests import Contest, agreed, contests, told
from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES, plain
from service.formats.fields import turns_of
from service.formats.record import Message, Record
from service.tables.labels import Outcome

ASKED = (
    "Which of the two answers is better? Say [[A]], [[B]], or [[C]] for a tie.\n\n"
    "[Dialogue]\n{prompt}\n\n[Answer A]\n{a}\n\n[Answer B]\n{b}"
)


class Judge(RecordLayout):
    """Two rows a pair of responses, one an order, so that the order tells nothing.

    `order` is ab where answer A is the first of the two in the record. The verdict is the votes';
    a tie is C. With `critique`, the first rationale of somebody who agrees with the votes stands
    before it, but only in the order that its author saw, as it may speak of "the first answer";
    the record's order where none was told.
    """

    name: ClassVar[str] = "judge"
    relabels: ClassVar[Literal["added", "decides"] | None] = "decides"
    description: ClassVar[str] = "Judge SFT (generative reward models): messages, verdict, order"

    critique: bool = True

    def features(self) -> Any:
        texts = [(name, pa.string()) for name in ("verdict", "order")]
        return pa.schema([("messages", MESSAGES), *texts])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for found in contests(each.record):
                for order in ("ab", "ba"):
                    yield Row(self.row(each.record, found, order), each.origin)

    def tells(self, record: Record) -> Mapping[str, int]:
        return told(record, agreed)

    def row(self, record: Record, found: Contest, order: str) -> dict[str, Any]:
        better_is_a = is_first(record, found) == (order == "ab")
        verdict = "C" if found.is_tie else "A" if better_is_a else "B"
        texts = [said_in(turns_of(one)) for one in (found.better, found.worse)]
        a, b = texts if better_is_a else texts[::-1]
        critique = critique_in(record, found, order) if self.critique else None
        answer = f"{critique}\n\n[[{verdict}]]" if critique else f"[[{verdict}]]"
        asked = ASKED.format(prompt=said_in(record.messages, named=True), a=a, b=b)
        messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        return {"messages": messages, "verdict": verdict, "order": order}


def is_first(record: Record, found: Contest) -> bool:
    ids = [response.id for response in record.responses]
    return ids.index(found.better.id) < ids.index(found.worse.id)


def critique_in(record: Record, found: Contest, order: str) -> str | None:
    """`shown` is ab where the better was shown first: a contest's a is the better."""
    own = order if is_first(record, found) else {"ab": "ba", "ba": "ab"}[order]
    default = "ab" if is_first(record, found) else "ba"
    agreed = (Outcome.tie, Outcome.both_bad) if found.is_tie else (Outcome.a,)
    for said in found.comparisons:
        if said.rationale and said.outcome in agreed and (said.shown or default) == own:
            return said.rationale
    return None


def said_in(messages: Sequence[Message], *, named: bool = False) -> str:
    """The text of one message; of several, or where `named`, with who says it."""
    said = plain(messages)
    if len(said) == 1 and not named:
        return said[0]["content"]
    return "\n\n".join(f"{each['role']}: {each['content']}" for each in said)
