"""The labels of a dataset, prompt by prompt: what pair policies are run over.

Rows of one prompt can lie on many lines of many uploads. PostgreSQL sorts the records by prompt;
they are read a batch at a time, and their labels by their primary keys.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import fsum
from typing import Any, NamedTuple

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from curation.pairing.labels import Candidate, Judged, Ranked, Rated, Vote
from service.columns import response_text
from service.formats.record import Response as Said
from service.ingest import judgment_rows
from service.ingest.judgment_rows import Key, ResponseRow
from service.ingest.normalise import content_digest
from service.tables import items
from service.tables.datasets import Upload, UploadState

BATCH = 2000  # records whose labels are read together
MAX_RECORDS = 5000  # of one prompt
STREAMED = 2000  # rows held by the server-side cursor


class Answer(NamedTuple):
    """What a pair's row needs of a response: what it says, how long, and where it was first."""

    digest: bytes
    length: int | None  # characters; None of a medium
    place: Key


class Prompt(NamedTuple):
    """A prompt with all its labels; ids are those of the tables, as text."""

    judged: Judged
    answers: Mapping[str, Answer]


class TooMany(NamedTuple):
    """A prompt of more than MAX_RECORDS records: it is left out."""

    prompt_id: str
    records: int


class Found(NamedTuple):
    """A record: where it lies, its prompt, what it calls its responses, its gold answer."""

    key: Key
    prompt_id: str
    responses: Sequence[Mapping[str, Any]] | None
    gold: Mapping[str, Any] | None


def prompts(session: Session, dataset_id: uuid.UUID) -> Iterator[Prompt | TooMany]:
    """Every prompt of the ingested uploads, by id: a uniform sample as far as it is read."""
    batch: list[Found] = []
    known: dict[str, str] = {}  # annotators, of the whole dataset
    for group in groups(session, dataset_id):
        if len(group) > MAX_RECORDS:
            yield TooMany(group[0].prompt_id, len(group))
            continue
        if batch and len(batch) + len(group) > BATCH:
            yield from read_batch(session, dataset_id, batch, known)
            batch = []
        batch += group
    if batch:
        yield from read_batch(session, dataset_id, batch, known)


def groups(session: Session, dataset_id: uuid.UUID) -> Iterator[list[Found]]:
    """The records of each prompt; of a prompt with too many only one more than MAX_RECORDS."""
    record = items.Record
    query = (
        select(
            cast(record.prompt_id, String), record.responses, record.gold,
            cast(record.upload_id, String), record.line, record.part,
        )
        .join(Upload, Upload.id == record.upload_id)
        .where(record.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .order_by(record.prompt_id, Upload.ordinal, record.line, record.part)
    )  # fmt: skip
    group: list[Found] = []
    streamed = session.execute(query.execution_options(yield_per=STREAMED))
    for prompt_id, responses, gold, upload_id, line, part in streamed:
        if group and group[0].prompt_id != prompt_id:
            yield group
            group = []
        if len(group) <= MAX_RECORDS:
            group.append(Found((upload_id, line, part), prompt_id, responses, gold))
    if group:
        yield group


def read_batch(
    session: Session, dataset_id: uuid.UUID, found: Sequence[Found], known: dict[str, str]
) -> Iterator[Prompt]:
    """The prompts of these records, in their order. `known`: annotators read so far; it grows."""
    labelled = Labelled(session, dataset_id, found, known)
    by_prompt: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        by_prompt[one.prompt_id].append(one)
    for prompt_id, own in by_prompt.items():
        yield labelled.prompt(prompt_id, own)


class Labelled:
    """The labels and responses of a batch of records."""

    def __init__(
        self, session: Session, dataset_id: uuid.UUID, found: Sequence[Found], known: dict[str, str]
    ) -> None:
        lines = [one.key[:2] for one in found]
        self.comparisons = judgment_rows.comparisons(session, lines)
        self.ratings = judgment_rows.ratings(session, lines)
        self.rankings = judgment_rows.rankings(session, lines)
        self.names = {one.key: self.named(one) for one in found}
        wanted = {id for named in self.names.values() for id in named.values()}
        self.responses = judgment_rows.responses(session, dataset_id, sorted(wanted))
        tables = (self.comparisons, self.ratings, self.rankings)
        given = chain.from_iterable(chain.from_iterable(table.values()) for table in tables)
        strangers = {label.annotator for label in given if label.annotator} - known.keys()
        known |= judgment_rows.annotators(session, dataset_id, sorted(strangers))
        self.annotators: Mapping[str | None, str] = {**known}

    def named(self, one: Found) -> dict[str, str]:
        """Response ids by the line's own names; chosen and rejected where it gave none."""
        if one.responses is not None:
            return {each["id"]: each["response_id"] for each in one.responses}
        given = self.comparisons.get(one.key)
        return {"chosen": given[0].a, "rejected": given[0].b} if given else {}

    def prompt(self, prompt_id: str, own: Sequence[Found]) -> Prompt:
        who, keys = self.annotators.get, [one.key for one in own]
        candidates, answers = self.candidates(own)
        votes = [
            Vote(row.a, row.b, row.outcome, who(row.annotator), row.aspect, row.strength)
            for key in keys
            for row in self.comparisons.get(key, ())
        ]
        ratings = [
            Rated(row.response, row.value, who(row.annotator), row.aspect, scale(row.low, row.high))
            for key in keys
            for row in self.ratings.get(key, ())
        ]
        rankings = [
            Ranked(row.tiers, who(row.annotator), row.aspect)
            for key in keys
            for row in self.rankings.get(key, ())
        ]
        gold = [self.gold(one) for one in own if one.gold]
        return Prompt(Judged(prompt_id, candidates, votes, ratings, rankings, gold), answers)

    def candidates(self, own: Sequence[Found]) -> tuple[dict[str, Candidate], dict[str, Answer]]:
        """The responses, with the mean of each score that came with them."""
        scores: dict[str, dict[str, list[float]]] = {}
        answers: dict[str, Answer] = {}
        for one in own:
            for each in one.responses or ():
                for name, value in (each["scores"] or {}).items():
                    given = scores.setdefault(each["response_id"], {})
                    given.setdefault(name, []).append(value)
            for id in self.names[one.key].values():
                if id not in answers:
                    answers[id] = answer(self.responses[id], one.key)
        candidates = {
            id: Candidate(
                found.digest,
                self.responses[id].model,
                {name: fsum(values) / len(values) for name, values in scores.get(id, {}).items()},
            )
            for id, found in answers.items()
        }
        return candidates, answers

    def gold(self, one: Found) -> tuple[list[str], list[str]]:
        """The verified better and worse responses that the record names."""
        names, gold = self.names[one.key], one.gold or {}
        better, worse = (
            [names[name] for name in gold.get(side) or () if name in names]
            for side in ("better", "worse")
        )
        return better, worse


def scale(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def answer(row: ResponseRow, place: Key) -> Answer:
    said = Said("", row.text, row.messages, row.uri)
    digest = content_digest(said, None if row.text is None else row.text.encode())
    medium = row.text is None and row.messages is None
    length = None if medium else len(response_text(row.text, row.messages))
    return Answer(digest, length, place)
