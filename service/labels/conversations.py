"""Streams a dataset's conversations path by path: those of chat files, and of trees."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from curation.feedback.conversations import Conversation
from service.ingest import judgment_rows
from service.ingest.judgment_rows import Key, ResponseRow
from service.tables import items
from service.tables.datasets import Upload, UploadState

BATCH = 1000  # records whose answers and labels are looked up together
STREAMED = 2000  # rows held by the server-side cursor
TREES = ("message_tree_id", "conversation_hash", "conversation_id")  # in `extra`
USERS = ("user_id", "user", "user_hash", "hashed_ip", "username", "author", "annotator_id")
TURN_RATINGS = """
SELECT upload_id::text, line, part, turn, value, scale_low, scale_high
FROM unnest(%s::uuid[], %s::int8[]) AS wanted(upload_id, line) JOIN ratings USING (upload_id, line)
WHERE turn IS NOT NULL AND response_id IS NULL ORDER BY upload_id, line, ordinal
"""


class Found(NamedTuple):
    """A record: where it lies, its prompt, its own name, and what it calls its responses."""

    key: Key
    prompt_id: str
    messages: Sequence[Mapping[str, Any]]
    record_id: str | None
    responses: Sequence[Mapping[str, Any]] | None
    extra: Mapping[str, Any]


class Place(NamedTuple):
    """Of a line: a tree is one line, and so is a chat."""

    upload_id: str
    line: int


def conversations(session: Session, dataset_id: uuid.UUID) -> Iterator[Conversation]:
    """Every path from a first message to an answer, in the order of uploads and lines.

    The best-ranked answer of a prompt comes first. Records of one message are no conversation.
    """
    stored = records(session, dataset_id)
    while found := list(islice(stored, BATCH)):
        lines = [one.key[:2] for one in found]
        rated = turn_ratings(session, lines)
        tiers = judgment_rows.rankings(session, lines)
        ids = {each["response_id"] for one in found for each in one.responses or ()}
        answers = judgment_rows.responses(session, dataset_id, sorted(ids))
        for one in found:
            ranked = [row.tiers for row in tiers.get(one.key, ())]
            yield from paths(one, answers, rated.get(one.key, {}), ranked)


def records(session: Session, dataset_id: uuid.UUID) -> Iterator[Found]:
    record, prompt = items.Record, items.Prompt
    query = (
        select(
            cast(record.upload_id, String), record.line, record.part,
            cast(record.prompt_id, String), prompt.messages, record.record_id,
            record.responses, record.extra,
        )
        .join(Upload, Upload.id == record.upload_id)
        .join(prompt, (prompt.dataset_id == record.dataset_id) & (prompt.id == record.prompt_id))
        .where(record.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .order_by(Upload.ordinal, record.line, record.part)
    )  # fmt: skip
    for row in session.execute(query.execution_options(yield_per=STREAMED)):
        upload_id, line, part, prompt_id, messages, record_id, responses, extra = row
        key = (upload_id, line, part)
        yield Found(key, prompt_id, messages, record_id, responses, extra or {})


def paths(
    one: Found,
    answers: Mapping[str, ResponseRow],
    rated: Mapping[int, float],
    ranked: Sequence[Sequence[Sequence[str]]],
) -> Iterator[Conversation]:
    """The record's messages with each of its answers that is a text; alone where it has none."""
    place = Place(*one.key[:2])
    ids = [each["response_id"] for each in one.responses or ()]
    standing = {id: rank for tiers in ranked for rank, tier in enumerate(tiers) for id in tier}
    ids.sort(key=lambda id: standing.get(id, len(standing)))
    names = {each["response_id"]: each["id"] for each in one.responses or ()}
    given = ((id, answers[id].text) for id in ids if id in answers)
    said = [
        [{"role": "assistant", "content": text}, *more]
        for id, text in given
        if text is not None
        for more in closings(one.extra, names[id])
    ]
    for more in said or [[]]:
        messages = [*one.messages, *more]
        if len(messages) > 2:
            yield Conversation(name_of(one), place, messages, user_of(one.extra), rated)


def closings(extra: Mapping[str, Any], name: str) -> list[list[Mapping[str, Any]]]:
    """What users said last after an answer, one conversation each; one that ends with it."""
    last = extra.get("unanswered")
    said = last.get(name, ()) if isinstance(last, dict) else ()
    return [[{"role": "user", "content": each.get("text")}] for each in said] or [[]]


def name_of(one: Found) -> str:
    """What the file calls it, else where it stands."""
    named = next((one.extra[name] for name in TREES if one.extra.get(name)), one.record_id)
    return str(named) if named else f"{one.key[0]}:{one.key[1]}"


def user_of(extra: Mapping[str, Any]) -> str | None:
    """Of the whole conversation, or of its last message in a tree."""
    path = extra.get("path_rest")
    places = [extra, path[-1]] if isinstance(path, list) and path else [extra]
    found = (each.get(name) for each in places if isinstance(each, dict) for name in USERS)
    return next((str(user) for user in found if isinstance(user, str | int) and user != ""), None)


def turn_ratings(session: Session, lines: Sequence[tuple[str, int]]) -> dict[Key, dict[int, float]]:
    """By record and turn: the mean of what was rated on a known scale, as a share of it, 0..1."""
    given: dict[Key, dict[int, list[float]]] = {}
    wanted = list(dict.fromkeys(lines))
    uploads, numbers = [upload for upload, _ in wanted], [line for _, line in wanted]
    for row in judgment_rows.fetched(session, TURN_RATINGS, uploads, numbers):
        *key, turn, value, low, high = row
        if low is not None and high is not None and high > low:
            own = given.setdefault((key[0], key[1], key[2]), {})
            own.setdefault(turn, []).append((value - low) / (high - low))
    return {
        key: {turn: sum(values) / len(values) for turn, values in own.items()}
        for key, own in given.items()
    }
