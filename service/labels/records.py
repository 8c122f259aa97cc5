"""Stored records read back: what a line said, its items and every label, as it was given."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from service.formats import record as said
from service.ingest.normalise import IMPLIED_NAMES
from service.tables import items, labels
from service.tables.datasets import Upload, UploadState

BATCH = 500  # records that are read together

Key: TypeAlias = tuple[int, int]  # line, part


class Stored(NamedTuple):
    """A record and the line of the upload that brought it."""

    upload: Upload
    line: int
    record: said.Record


def load_records(
    session: Session,
    dataset_id: uuid.UUID,
    upload_id: uuid.UUID | None = None,
    prompt_ids: Sequence[uuid.UUID] | None = None,
) -> Iterator[Stored]:
    """Records of a dataset in the order of uploads, lines and parts, a batch at a time.

    `upload_id` and `prompt_ids` narrow them.
    """
    uploads = (
        select(Upload)
        .where(Upload.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .order_by(Upload.ordinal)
    )
    if upload_id is not None:
        uploads = uploads.where(Upload.id == upload_id)
    for upload in session.scalars(uploads).all():
        after: Key = (-1, -1)
        while found := batch_after(session, upload, after, prompt_ids):
            for row, record in zip(found, read_batch(session, upload, found), strict=True):
                yield Stored(upload, row.line, record)
            after = (found[-1].line, found[-1].part)


def batch_after(
    session: Session, upload: Upload, after: Key, prompt_ids: Sequence[uuid.UUID] | None
) -> Sequence[items.Record]:
    query = (
        select(items.Record)
        .where(items.Record.upload_id == upload.id)
        .where(tuple_(items.Record.line, items.Record.part) > after)
        .order_by(items.Record.line, items.Record.part)
        .limit(BATCH)
    )
    if prompt_ids is not None:
        query = query.where(items.Record.prompt_id.in_(prompt_ids))
    return session.scalars(query).all()


def read_batch(
    session: Session, upload: Upload, rows: Sequence[items.Record]
) -> Iterator[said.Record]:
    """The records of these rows, in their order."""
    given = {
        table: labels_of(session, table, upload.id, rows)
        for table in (labels.Comparison, labels.Rating, labels.Ranking, labels.Feedback)
    }
    prompts = by_id(session, items.Prompt, upload.dataset_id, {row.prompt_id for row in rows})
    names = {
        (row.line, row.part): names_of(row, given[labels.Comparison][row.line, row.part])
        for row in rows
    }
    wanted = {id for named in names.values() for id in named}
    responses = by_id(session, items.Response, upload.dataset_id, wanted)
    everyone = {
        label.annotator_id
        for table in given.values()
        for found in table.values()
        for label in found
        if label.annotator_id is not None
    }
    annotators = by_id(session, labels.Annotator, upload.dataset_id, everyone)
    for row in rows:
        key = (row.line, row.part)
        known = {id: name for id, (name, _) in names[key].items()}
        reader = LabelReader(known, annotators)
        prompt = prompts[row.prompt_id]
        yield said.Record(
            prompt.messages,
            tuple(
                response_said(responses[id], name, scores)
                for id, (name, scores) in names[key].items()
            ),
            tuple(map(reader.comparison, given[labels.Comparison][key])),
            tuple(map(reader.rating, given[labels.Rating][key])),
            tuple(map(reader.ranking, given[labels.Ranking][key])),
            tuple(map(reader.feedback, given[labels.Feedback][key])),
            record_id=row.record_id,
            modality=prompt.modality,
            gold=row.gold,
            extra=row.extra or {},
        )


def labels_of(
    session: Session, table: Any, upload_id: uuid.UUID, rows: Sequence[items.Record]
) -> dict[Key, list[Any]]:
    """Labels by record, in the order of the line."""
    query = (
        select(table)
        .where(table.upload_id == upload_id)
        .where(table.line.between(rows[0].line, rows[-1].line))
        .order_by(table.line, table.ordinal)
    )
    found: dict[Key, list[Any]] = defaultdict(list)
    for label in session.scalars(query):
        found[label.line, label.part].append(label)
    return found


def by_id(
    session: Session, table: Any, dataset_id: uuid.UUID, ids: set[uuid.UUID]
) -> dict[uuid.UUID, Any]:
    query = select(table).where(table.dataset_id == dataset_id, table.id.in_(ids))
    return {found.id: found for found in session.scalars(query)} if ids else {}


def names_of(
    row: items.Record, comparisons: Sequence[labels.Comparison]
) -> dict[uuid.UUID, tuple[str, dict[str, float] | None]]:
    """(the line's own name, the scores that came with it) of each response, in the line's order."""
    if row.responses is None:
        sides = (comparisons[0].a, comparisons[0].b) if comparisons else ()
        return {id: (name, None) for id, name in zip(sides, IMPLIED_NAMES, strict=False)}
    return {uuid.UUID(each["response_id"]): (each["id"], each["scores"]) for each in row.responses}


def response_said(row: items.Response, name: str, scores: dict[str, float] | None) -> said.Response:
    return said.Response(name, row.text, row.messages, row.uri, row.model, scores)


class LabelReader:
    """Rows of a record's labels -> labels, by the line's own names of its responses."""

    def __init__(
        self, names: dict[uuid.UUID, str], annotators: dict[uuid.UUID, labels.Annotator]
    ) -> None:
        self.names, self.annotators = names, annotators

    def label(self, row: labels.Judgment) -> dict[str, Any]:
        who = None
        if row.annotator_id is not None:
            found = self.annotators[row.annotator_id]
            who = said.Annotator(found.name, found.kind)
        return {"annotator": who, "aspect": row.aspect, "rationale": row.rationale}

    def comparison(self, row: labels.Comparison) -> said.Comparison:
        return said.Comparison(
            **self.label(row),
            a=self.names[row.a],
            b=self.names[row.b],
            outcome=row.outcome,
            strength=row.strength,
            shown=row.shown,
        )

    def rating(self, row: labels.Rating) -> said.Rating:
        scale = None
        if row.scale_low is not None and row.scale_high is not None:
            scale = (row.scale_low, row.scale_high)
        return said.Rating(
            **self.label(row),
            value=row.value,
            response=None if row.response_id is None else self.names[row.response_id],
            turn=row.turn,
            scale=scale,
        )

    def ranking(self, row: labels.Ranking) -> said.Ranking:
        tiers = [[self.names[uuid.UUID(id)] for id in tier] for tier in row.tiers]
        return said.Ranking(**self.label(row), tiers=tiers)

    def feedback(self, row: labels.Feedback) -> said.Feedback:
        return said.Feedback(
            **self.label(row), turn=row.turn, kind=row.kind, label=row.label, text=row.text
        )
