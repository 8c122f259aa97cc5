"""What ANY and ALL range over: the judgments of a pair's two answers, whoever gave them how.

A judgment is a comparison of the two, either way round; a ranking that places both; or what one
annotator rated both on one aspect and one scale, by the mean where more than once. A pair that the
ingest decided has those of its own line; one that a policy built has those of every line of its
prompt, in all uploads that are not withdrawn.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Double,
    String,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from service.filters.fields import Entry, Kind
from service.tables.datasets import Upload, UploadState
from service.tables.items import Record
from service.tables.labels import Annotator, Comparison, Ranking, Rating
from service.tables.pairs import Pair

Label: TypeAlias = Literal["comparison", "ranking", "rating"]
LABELS: tuple[Label, ...] = ("comparison", "ranking", "rating")
BUILT = "built"
OWN = "JOIN uploads ON uploads.id = upload_id WHERE uploads.dataset_id = :dataset"
THERE = text(f"""
SELECT EXISTS (SELECT FROM comparisons {OWN}), EXISTS (SELECT FROM rankings {OWN}),
       EXISTS (SELECT FROM ratings {OWN}),
       EXISTS (SELECT FROM pair_builds WHERE dataset_id = :dataset)
""")
MEANINGS: dict[str, tuple[Kind, str]] = {
    "outcome": ("text", "chosen, rejected, tie or both_bad: what the judgment says of the pair"),
    "label": ("text", "comparison, ranking or rating"),
    "aspect": ("text", "what was judged"),
    "strength": ("number", "how strongly: as a comparison says; tiers or rating points between"),
    "rationale": ("text", "why; of ratings all that was said, a line each"),
    "shown": ("text", "ab or ba: which was shown first"),
    "annotator.name": ("text", "who judged"),
    "annotator.kind": ("text", "human, model or rule"),
}


class Judgments:
    """Those of one label at one place: `said` has a row of each, `named` are the two's own."""

    def __init__(self, label: Label, said: Any, named: list[Any], **values: Any) -> None:
        self.said, self.named = said, named
        self.annotator = aliased(Annotator, name=f"{label}_annotator")
        values |= {
            "label": literal(label, Text), "annotator.name": self.annotator.name,
            "annotator.kind": self.annotator.kind,
        }  # fmt: skip
        self.fields = {path: entry(path, value) for path, value in values.items()}

    def any(self, condition: ColumnElement[bool], correlated: Sequence[Any]) -> Any:
        """Whether one of them meets the condition."""
        who = and_(
            self.annotator.dataset_id == Pair.dataset_id,
            self.annotator.id == said_by(self.said),
        )
        query = select(literal(1)).select_from(self.said).outerjoin(self.annotator, who)
        return exists(query.where(*self.named, condition).correlate(Pair, *correlated))


def entry(path: str, value: Any) -> Entry:
    return Entry(*MEANINGS[path], lambda _: value)


def said_by(said: Any) -> Any:
    return said.c.annotator_id if hasattr(said, "c") else said.annotator_id


def judgments(labels: Collection[str]) -> Iterator[Judgments]:
    """What there is to range over: `labels` says which of LABELS a dataset has, and `built`."""
    places = [on_its_line, of_its_prompt] if BUILT in labels else [on_its_line]
    made = {"comparison": comparisons, "ranking": rankings, "rating": ratings}
    for label in LABELS:
        if label in labels:
            for place in places:
                found = made[label](place)
                if BUILT in labels:
                    by_policy = Pair.build_id.is_not(None)
                    found.named.append(by_policy if place is of_its_prompt else ~by_policy)
                yield found


def on_its_line(label: Any) -> ColumnElement[bool]:
    return and_(label.upload_id == Pair.upload_id, label.line == Pair.line)


def of_its_prompt(label: Any) -> ColumnElement[bool]:
    record, upload = aliased(Record, name="judged"), aliased(Upload, name="judged_upload")
    lines = (
        select(record.upload_id, record.line, record.part)
        .join(upload, upload.id == record.upload_id)
        .where(record.dataset_id == Pair.dataset_id, record.prompt_id == Pair.prompt_id)
        .where(upload.state == UploadState.ingested)
        .correlate(Pair)
    )
    return tuple_(label.upload_id, label.line, label.part).in_(lines)


Place: TypeAlias = Callable[[Any], ColumnElement[bool]]


def comparisons(place: Place) -> Judgments:
    said = aliased(Comparison, name="comparison")
    ways = (Pair.chosen_id, Pair.rejected_id), (Pair.rejected_id, Pair.chosen_id)
    named = or_(*(and_(said.a == a, said.b == b) for a, b in ways))
    outcome = case(
        (said.outcome.in_(("tie", "both_bad")), cast(said.outcome, String)),
        ((said.outcome == "a") == (said.a == Pair.chosen_id), literal("chosen")),
        else_=literal("rejected"),
    )
    return Judgments(
        "comparison", said, [place(said), named], outcome=outcome, aspect=said.aspect,
        strength=said.strength, rationale=said.rationale, shown=said.shown,
    )  # fmt: skip


def rankings(place: Place) -> Judgments:
    said = aliased(Ranking, name="ranking")
    chosen, rejected = (tier_of(said, id) for id in (Pair.chosen_id, Pair.rejected_id))
    named = [place(said), chosen.is_not(None), rejected.is_not(None)]
    return Judgments(
        "ranking", said, named, outcome=better(rejected, chosen), aspect=said.aspect,
        strength=cast(func.abs(chosen - rejected), Double), rationale=said.rationale,
        shown=null_text(),
    )  # fmt: skip


def tier_of(said: Any, response_id: Any) -> Any:
    """From 1, the best; NULL where the ranking does not name the response."""
    tiers = func.jsonb_array_elements(said.tiers)
    tier = tiers.table_valued("value", with_ordinality="number").render_derived()
    return (
        select(func.min(tier.c.number))
        .where(tier.c.value.op("?", is_comparison=True)(cast(response_id, Text)))
        .correlate(Pair, said)
        .scalar_subquery()
    )


def ratings(place: Place) -> Judgments:
    given = aliased(Rating, name="given")
    chosen, rejected = (
        func.avg(given.value).filter(given.response_id == id)
        for id in (Pair.chosen_id, Pair.rejected_id)
    )
    reasons = func.string_agg(
        given.rationale,
        aggregate_order_by(literal("\n"), given.upload_id, given.line, given.ordinal),
    )
    said = (
        select(
            given.annotator_id, given.aspect, reasons.label("rationale"),
            chosen.label("chosen"), rejected.label("rejected"),
        )
        .where(place(given), given.turn.is_(None))
        .where(given.response_id.in_((Pair.chosen_id, Pair.rejected_id)))
        .group_by(given.annotator_id, given.aspect, given.scale_low, given.scale_high)
        .having(and_(chosen.is_not(None), rejected.is_not(None)))
        .correlate(Pair)
        .subquery("rating")
    )  # fmt: skip
    return Judgments(
        "rating", said, [], outcome=better(said.c.chosen, said.c.rejected), aspect=said.c.aspect,
        strength=func.abs(said.c.chosen - said.c.rejected), rationale=said.c.rationale,
        shown=null_text(),
    )  # fmt: skip


def better(chosen: Any, rejected: Any) -> Any:
    """The outcome, where more is better."""
    return case(
        (chosen > rejected, literal("chosen")), (chosen < rejected, literal("rejected")),
        else_=literal("tie"),
    )  # fmt: skip


def null_text() -> Any:
    return cast(null(), Text)


def labels_of(session: Session, dataset_id: uuid.UUID) -> frozenset[str]:
    """What a dataset has of LABELS and BUILT: what it lacks need not be looked for.

    Never none of LABELS: a condition is checked over an empty dataset, too.
    """
    there = session.execute(THERE, {"dataset": dataset_id}).one()
    found = {name for name, there in zip((*LABELS, BUILT), there, strict=True) if there}
    return frozenset(found if found & {*LABELS} else {*found, LABELS[0]})
