"""Writes the pairs that a policy reads out of conversations, with their prompts and answers."""

import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.pairing.policy import BuiltPair
from curation.pairing.summary import EXAMPLES
from curation.pairing.wildfeedback import Found, Read, Span, WildFeedback
from service.formats.record import Response
from service.ingest import identity
from service.ingest.copying import (
    NULL,
    Chunk,
    bytes_field,
    copy_part,
    id_field,
    json_field,
    raw_connection,
    text_field,
)
from service.ingest.normalise import content_digest
from service.labels.conversations import Place, conversations
from service.tables.pairs import PairBuild, built_position

CHUNK = 1000  # pairs that are written together
SHOWN = 2000  # characters of a text in an example

PAIR = """
INSERT INTO pairs (dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id,
    upload_id, line, votes, agreement, soft_label, build_id, evidence)
VALUES (:dataset_id, :id, :position, :prompt_id, :chosen_id, :rejected_id, :content_id,
    :upload_id, :line, 1, 1, :soft_label, :build_id, CAST(:evidence AS jsonb))
ON CONFLICT (dataset_id, id) DO UPDATE SET build_id = EXCLUDED.build_id
RETURNING xmax = 0
"""


def read(
    session: Session, dataset_id: uuid.UUID, policy: WildFeedback, progress: Callable[[int], None]
) -> Read:
    """What its models find in the dataset's conversations: that takes its time, and no lock."""

    def again() -> Iterator[Any]:
        for count, one in enumerate(conversations(session, dataset_id), start=1):
            yield one
            if count % CHUNK == 0:
                progress(count)

    return policy.read(again)


def fill(session: Session, made: PairBuild, found: Read) -> None:
    """Write the pairs of the build; the caller holds the dataset and commits."""
    added, pairs = 0, iter(enumerate(found.pairs))
    while chunk := list(islice(pairs, CHUNK)):
        added += write(session, made, chunk)
    made.report = {**report(found), "added": added, "already_there": len(found.pairs) - added}
    made.state = "ready"


def write(session: Session, made: PairBuild, pairs: list[tuple[int, Found]]) -> int:
    """The items that are not there yet, then the pairs; how many of these were not there."""
    items, rows = Chunk(), list[dict[str, Any]]()
    for number, found in pairs:
        rows.append(row(items, made, number, found))
    connection = raw_connection(session)
    for part in items.parts():
        copy_part(connection, made.dataset_id, part)
    return sum(bool(session.execute(text(PAIR), values).scalar()) for values in rows)


def row(items: Chunk, made: PairBuild, number: int, found: Found) -> dict[str, Any]:
    correction, dataset = found.correction, id_field(made.dataset_id.bytes)
    place = correction.conversation.place
    assert isinstance(place, Place)
    messages = identity.canonical(correction.prompt)
    prompt = identity.content_id(b"prompt", messages)
    items.add_shared(
        "prompts", prompt, dataset, id_field(prompt), text_field("text"), json_field(messages)
    )
    ids: list[bytes] = []
    contents: list[bytes] = []
    for said in (correction.chosen, correction.rejected):
        encoded = said.encode()
        content = content_digest(Response("", said), encoded)
        id = identity.response_id(prompt, content, None, 0)
        items.add_shared(
            "responses", id,
            dataset, id_field(id), id_field(prompt), bytes_field(encoded), NULL, NULL, NULL,
        )  # fmt: skip
        ids.append(id)
        contents.append(content)
    chosen, rejected = (str(uuid.UUID(bytes=id)) for id in ids)
    pair = BuiltPair(chosen, rejected)  # a probability may differ in its last digit elsewhere
    name = str(uuid.UUID(bytes=prompt))
    return {
        "dataset_id": made.dataset_id,
        "id": uuid.UUID(bytes=identity.built_pair_id(made.policy_sha256, name, pair, 0)),
        "position": built_position(made.ordinal, number),
        "prompt_id": uuid.UUID(bytes=prompt),
        "chosen_id": uuid.UUID(bytes=ids[0]),
        "rejected_id": uuid.UUID(bytes=ids[1]),
        "content_id": uuid.UUID(bytes=identity.pair_content_id(prompt, *contents)),
        "upload_id": uuid.UUID(place.upload_id),
        "line": place.line,
        "soft_label": found.soft_label,
        "build_id": made.id,
        "evidence": orjson.dumps(evidence(found)).decode(),
    }


def evidence(found: Found) -> dict[str, Any]:
    """What a pair rests on: the conversation, the turns, and the words of the user."""
    correction = found.correction
    return {
        "conversation_id": correction.conversation.id,
        "way": correction.way,
        "rejected_turn": correction.turn,
        "chosen_turn": correction.chosen_turn,
        "feedback": cited(found.feedback),
        "satisfied": None if found.satisfied is None else cited(found.satisfied),
    }


def cited(span: Span) -> dict[str, Any]:
    return {**span._asdict(), "text": span.text[:SHOWN]}


def report(found: Read) -> dict[str, Any]:
    """As the report of a policy over labels: here a prompt is a user's turn after an answer."""
    turns = int(found.measured["user_turns"])
    return {
        "prompts": turns,
        "prompts_paired": len(found.pairs),
        "pairs": len(found.pairs),
        "ties": 0,
        "skipped": {name: count for name, count in sorted(found.skipped.items()) if count},
        "stages": {},
        "margins": [],
        "lengths": {"chosen": [], "rejected": []},
        "examples": [example(one) for one in found.pairs[:EXAMPLES]],
        "complete": True,
        "measured": found.measured,
    }


def example(found: Found) -> dict[str, Any]:
    correction = found.correction
    return {
        "prompt": list(correction.prompt),
        "chosen": {"text": correction.chosen[:SHOWN], "model": None},
        "rejected": {"text": correction.rejected[:SHOWN], "model": None},
        "margin": None,
        "votes": 1,
        "agreement": 1.0,
        "soft_label": found.soft_label,
        "curriculum_stage": None,
        "evidence": evidence(found),
    }
