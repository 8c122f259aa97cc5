"""The fingerprints of a dataset's prompts: made once, read instead of the texts."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from curation.grouping import FINGERPRINT, Prints, fingerprints, prompt_text
from service.tables.items import Prompt
from service.tables.splits import PromptFingerprint

BATCH = 2_000
MISSING = """
SELECT p.id, p.messages FROM prompts p
WHERE p.dataset_id = :dataset AND p.id > :after AND NOT EXISTS (
    SELECT FROM prompt_fingerprints f WHERE f.dataset_id = p.dataset_id AND f.prompt_id = p.id
)
ORDER BY p.id LIMIT :batch
"""
# What a withdrawn upload alone has brought takes no part in anything. Beginnings of conversations
# are prompts of pairs that no record names.
USED = """
SELECT r.prompt_id FROM records r
JOIN uploads u ON u.id = r.upload_id AND u.state = 'ingested' WHERE r.dataset_id = :dataset
UNION SELECT p.prompt_id FROM pairs p
JOIN uploads u ON u.id = p.upload_id AND u.state = 'ingested'
WHERE p.dataset_id = :dataset AND p.evidence IS NOT NULL
"""
# Not one query with the other: nobody has counted rows that were written a moment ago.
KNOWN = """
SELECT prompt_id, hashes FROM prompt_fingerprints WHERE dataset_id = :dataset ORDER BY prompt_id
"""
# In `lax` mode a text is a list of itself, and has no type.
MEDIA = """
SELECT id FROM prompts WHERE dataset_id = :dataset AND id = ANY(:ids)
AND jsonb_path_exists(messages, '$[*].content[*] ? (@.type != "text")')
"""


class Known(NamedTuple):
    """The prompts of ingested uploads in the order of their ids."""

    ids: list[str]
    prints: Prints


def known(session: Session, dataset_id: uuid.UUID) -> Known:
    """Makes the fingerprints that are missing."""
    make(session, dataset_id)
    values = {"dataset": dataset_id}
    used = set(session.scalars(text(USED).execution_options(yield_per=BATCH), values))
    ids: list[str] = []
    hashes = bytearray()
    for prompt_id, said in session.execute(text(KNOWN).execution_options(yield_per=BATCH), values):
        if prompt_id in used:
            ids.append(str(prompt_id))
            hashes += said
    return Known(ids, np.frombuffer(hashes, FINGERPRINT))


def make(session: Session, dataset_id: uuid.UUID) -> None:
    after = uuid.UUID(int=0)
    while found := session.execute(
        text(MISSING), {"dataset": dataset_id, "after": after, "batch": BATCH}
    ).all():
        after = found[-1][0]
        prints = fingerprints([messages for _, messages in found])
        rows = [
            {"dataset_id": dataset_id, "prompt_id": prompt_id, "hashes": said.tobytes()}
            for (prompt_id, _), said in zip(found, prints, strict=True)
        ]
        # Another export may make the same ones.
        session.execute(insert(PromptFingerprint).on_conflict_do_nothing(), rows)


def texts(session: Session, dataset_id: uuid.UUID, ids: Sequence[str]) -> list[str]:
    """What these prompts say, in this order."""
    query = select(Prompt.id, Prompt.messages).where(
        Prompt.dataset_id == dataset_id, Prompt.id.in_([uuid.UUID(each) for each in ids])
    )
    found: dict[str, Sequence[Mapping[str, Any]]] = {
        str(prompt_id): messages for prompt_id, messages in session.execute(query)
    }
    return [prompt_text(found[each]) for each in ids]


def media(session: Session, dataset_id: uuid.UUID, ids: Sequence[str]) -> frozenset[str]:
    """Those of these prompts that hold more than text."""
    found: set[str] = set()
    for start in range(0, len(ids), BATCH):
        values = {"dataset": dataset_id, "ids": [*map(uuid.UUID, ids[start : start + BATCH])]}
        found.update(map(str, session.scalars(text(MEDIA), values)))
    return frozenset(found)
