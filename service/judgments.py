"""The labels of a dataset, prompt by prompt: what pair policies are run over.

Rows of one prompt can lie on many lines of many uploads. PostgreSQL sorts the records by prompt;
they are read a batch at a time, and their labels by their primary keys.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from curation.pairing.labels import Candidate, Judged, Ranked, Rated, Vote
from service.columns import response_text
from service.formats.record import Response as Said
from service.judging import annotator_name
from service.normalise import content_digest
from service.tables import items, labels
from service.tables.datasets import Upload, UploadState

BATCH = 500  # records whose labels are read together
MAX_RECORDS = 5000  # of one prompt
STREAMED = 2000  # rows held by the server-side cursor


class Place(NamedTuple):
    """A record of a line; `ordinal` counts the dataset's uploads."""

    ordinal: int
    upload_id: uuid.UUID
    line: int
    part: int


class Answer(NamedTuple):
    """What a pair's row needs of a response: what it says, how long, and where it was first."""

    digest: bytes
    length: int | None  # characters; None of a medium
    place: Place


class Prompt(NamedTuple):
    """A prompt with all its labels; ids are those of the tables, as text."""

    judged: Judged
    answers: Mapping[str, Answer]


class TooMany(NamedTuple):
    """A prompt of more than MAX_RECORDS records: it is left out."""

    prompt_id: str
    records: int


class Found(NamedTuple):
    """A record's row and where it lies."""

    place: Place
    row: Any  # prompt_id, responses, gold


def prompts(session: Session, dataset_id: uuid.UUID) -> Iterator[Prompt | TooMany]:
    """Every prompt of the ingested uploads, by id: a uniform sample as far as it is read."""
    batch: list[Found] = []
    for group in groups(session, dataset_id):
        if len(group) > MAX_RECORDS:
            yield TooMany(str(group[0].row.prompt_id), len(group))
            continue
        if batch and len(batch) + len(group) > BATCH:
            yield from read_batch(session, dataset_id, batch)
            batch = []
        batch += group
    if batch:
        yield from read_batch(session, dataset_id, batch)


def groups(session: Session, dataset_id: uuid.UUID) -> Iterator[list[Found]]:
    """The records of each prompt; of a prompt with too many only one more than MAX_RECORDS."""
    record = items.Record
    query = (
        select(
            record.prompt_id, record.responses, record.gold,
            Upload.ordinal, record.upload_id, record.line, record.part,
        )
        .join(Upload, Upload.id == record.upload_id)
        .where(record.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .order_by(record.prompt_id, Upload.ordinal, record.line, record.part)
    )  # fmt: skip
    group: list[Found] = []
    for row in session.execute(query.execution_options(yield_per=STREAMED)):
        if group and group[0].row.prompt_id != row.prompt_id:
            yield group
            group = []
        if len(group) <= MAX_RECORDS:
            group.append(Found(Place(row.ordinal, row.upload_id, row.line, row.part), row))
    if group:
        yield group


def read_batch(session: Session, dataset_id: uuid.UUID, found: Sequence[Found]) -> Iterator[Prompt]:
    """The prompts of these records, in their order."""
    labelled = Labelled(session, dataset_id, found)
    by_prompt: dict[uuid.UUID, list[Found]] = defaultdict(list)
    for one in found:
        by_prompt[one.row.prompt_id].append(one)
    for prompt_id, own in by_prompt.items():
        yield labelled.prompt(prompt_id, own)


class Labelled:
    """The labels and responses of a batch of records."""

    def __init__(self, session: Session, dataset_id: uuid.UUID, found: Sequence[Found]) -> None:
        keys = [(one.place.upload_id, one.place.line) for one in found]
        self.comparisons = by_place(session, labels.Comparison, keys)
        self.ratings = by_place(session, labels.Rating, keys)
        self.rankings = by_place(session, labels.Ranking, keys)
        self.names = {one.place: self.named(one) for one in found}
        wanted = {id for named in self.names.values() for id in named.values()}
        self.responses = rows_of(session, items.Response, dataset_id, wanted)
        everyone = {
            label.annotator_id
            for table in (self.comparisons, self.ratings, self.rankings)
            for given in table.values()
            for label in given
            if label.annotator_id is not None
        }
        self.annotators = rows_of(session, labels.Annotator, dataset_id, everyone)

    def named(self, one: Found) -> dict[str, uuid.UUID]:
        """Response ids by the line's own names; chosen and rejected where it gave none."""
        if one.row.responses is not None:
            return {each["id"]: uuid.UUID(each["response_id"]) for each in one.row.responses}
        given = self.comparisons.get(key_of(one.place))
        return {"chosen": given[0].a, "rejected": given[0].b} if given else {}

    def prompt(self, prompt_id: uuid.UUID, own: Sequence[Found]) -> Prompt:
        keys = [key_of(one.place) for one in own]
        candidates, answers = self.candidates(own)
        judged = Judged(
            str(prompt_id),
            candidates,
            [self.vote(label) for key in keys for label in self.comparisons.get(key, ())],
            [
                self.rating(label)
                for key in keys
                for label in self.ratings.get(key, ())
                if label.response_id is not None and label.turn is None
            ],
            [self.ranking(label) for key in keys for label in self.rankings.get(key, ())],
            [self.gold(one) for one in own if one.row.gold],
        )
        return Prompt(judged, answers)

    def candidates(self, own: Sequence[Found]) -> tuple[dict[str, Candidate], dict[str, Answer]]:
        """The responses, with the mean of each score that came with them."""
        scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        answers: dict[str, Answer] = {}
        for one in own:
            for each in one.row.responses or ():
                for name, value in (each["scores"] or {}).items():
                    scores[each["response_id"]][name].append(value)
            for id in self.names[one.place].values():
                if str(id) not in answers:
                    answers[str(id)] = answer(self.responses[id], one.place)
        candidates = {
            id: Candidate(
                found.digest,
                self.responses[uuid.UUID(id)].model,
                {name: fsum(values) / len(values) for name, values in scores[id].items()},
            )
            for id, found in answers.items()
        }
        return candidates, answers

    def who(self, label: labels.Judgment) -> str | None:
        if label.annotator_id is None:
            return None
        found = self.annotators[label.annotator_id]
        return annotator_name((found.name, found.kind))

    def vote(self, label: labels.Comparison) -> Vote:
        return Vote(
            str(label.a), str(label.b), label.outcome.value,
            self.who(label), label.aspect, label.strength,
        )  # fmt: skip

    def rating(self, label: labels.Rating) -> Rated:
        low, high = label.scale_low, label.scale_high
        scale = None if low is None or high is None else (low, high)
        return Rated(str(label.response_id), label.value, self.who(label), label.aspect, scale)

    def ranking(self, label: labels.Ranking) -> Ranked:
        return Ranked(label.tiers, self.who(label), label.aspect)

    def gold(self, one: Found) -> tuple[list[str], list[str]]:
        """The verified better and worse responses that the record names."""
        names = self.names[one.place]
        better, worse = (one.row.gold.get(side) or [] for side in ("better", "worse"))
        return (
            [str(names[name]) for name in better if name in names],
            [str(names[name]) for name in worse if name in names],
        )


def key_of(place: Place) -> tuple[uuid.UUID, int, int]:
    return place.upload_id, place.line, place.part


def answer(row: items.Response, place: Place) -> Answer:
    said = Said("", row.text, row.messages, row.uri)
    digest = content_digest(said, None if row.text is None else row.text.encode())
    medium = row.text is None and row.messages is None
    length = None if medium else len(response_text(row.text, row.messages))
    return Answer(digest, length, place)


def by_place(
    session: Session, table: Any, keys: Sequence[tuple[uuid.UUID, int]]
) -> dict[tuple[uuid.UUID, int, int], list[Any]]:
    """Labels by record, in the order of its line."""
    query = select(table).where(tuple_(table.upload_id, table.line).in_(keys))
    found: dict[tuple[uuid.UUID, int, int], list[Any]] = defaultdict(list)
    for label in session.scalars(query.order_by(table.upload_id, table.line, table.ordinal)):
        found[label.upload_id, label.line, label.part].append(label)
        session.expunge(label)  # the session must not hold the whole dataset
    return dict(found)


def rows_of(
    session: Session, table: Any, dataset_id: uuid.UUID, ids: set[Any]
) -> dict[uuid.UUID, Any]:
    query = select(table).where(table.dataset_id == dataset_id, table.id.in_(ids))
    found = {row.id: row for row in session.scalars(query)} if ids else {}
    for row in found.values():
        session.expunge(row)
    return found
