"""Deletes the prompts and responses of a dataset that nothing names any more, and vectors."""

import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.text import render
from service.columns import STREAMED, response_text, text_id

BLOCK = 5000  # texts whose vectors are deleted together

# Differences of sets are never read in a loop over a loop, whatever the statistics say.
UNNAMED = {
    "prompts": """
SELECT id FROM prompts WHERE dataset_id = :dataset
EXCEPT SELECT prompt_id FROM records WHERE dataset_id = :dataset
EXCEPT SELECT prompt_id FROM pairs WHERE dataset_id = :dataset
""",
    "responses": """
SELECT id FROM responses WHERE dataset_id = :dataset
EXCEPT SELECT unnest(ARRAY[a, b]) FROM comparisons WHERE dataset_id = :dataset
EXCEPT SELECT (e->>'response_id')::uuid FROM records r, jsonb_array_elements(r.responses) e
WHERE r.dataset_id = :dataset AND jsonb_typeof(r.responses) = 'array'
EXCEPT SELECT unnest(ARRAY[chosen_id, rejected_id]) FROM pairs WHERE dataset_id = :dataset
""",
}
ANSWERS = """
SELECT p.messages, r.text, r.messages FROM unnamed_responses u
JOIN responses r ON r.id = u.id AND r.dataset_id = :dataset
JOIN prompts p ON p.id = r.prompt_id AND p.dataset_id = :dataset
"""
QUESTIONS = """
SELECT p.messages FROM unnamed_prompts u
JOIN prompts p ON p.id = u.id AND p.dataset_id = :dataset
"""
VECTORS = """
DELETE FROM embeddings USING embedding_models m, datasets d
WHERE d.id = :dataset AND m.workspace_id = d.workspace_id AND embeddings.model_id = m.id
AND embeddings.text_id = ANY(:texts)
"""


def delete_unnamed(session: Session, dataset_id: uuid.UUID) -> dict[str, int]:
    """What neither a record nor a pair names: also what a policy wrote whose pairs went before.

    Counts by table; the vectors of the texts go, too, and a text that is still needed elsewhere
    in the workspace is embedded again.
    """
    own = {"dataset": dataset_id}
    for table, query in UNNAMED.items():
        session.execute(text(f"DROP TABLE IF EXISTS unnamed_{table}"))
        session.execute(text(f"CREATE TEMP TABLE unnamed_{table} ON COMMIT DROP AS {query}"), own)
    session.execute(text("ANALYZE unnamed_prompts, unnamed_responses"))
    counts = {"embeddings": delete_vectors(session, dataset_id, unnamed_texts(session, own))}
    session.execute(text("SET LOCAL enable_nestloop = off"))  # statistics may be old
    for table in ("responses", "prompts"):
        query = f"DELETE FROM {table} i USING unnamed_{table} u WHERE i.dataset_id = :dataset"
        counts[table] = removed(session, f"{query} AND i.id = u.id", dataset=dataset_id)
    session.execute(text("SET LOCAL enable_nestloop = on"))
    return counts


def unnamed_texts(session: Session, own: dict[str, Any]) -> Iterator[uuid.UUID]:
    """The ids of all that could be embedded of them, as `view_texts` names it."""
    for prompt, said, messages in streamed(session, ANSWERS, own):
        answer = response_text(said, messages)
        yield text_id("", answer)
        yield text_id(render(prompt), answer)
    for (prompt,) in streamed(session, QUESTIONS, own):
        yield text_id("", render(prompt))


def streamed(session: Session, query: str, own: dict[str, Any]) -> Iterator[Any]:
    session.execute(text("SET LOCAL enable_nestloop = off"))
    rows = session.execute(text(query), own, execution_options={"yield_per": STREAMED})
    session.execute(text("SET LOCAL enable_nestloop = on"))  # the query is planned by now
    yield from rows


def delete_vectors(session: Session, dataset_id: uuid.UUID, texts: Iterable[uuid.UUID]) -> int:
    """The vectors of these texts in the dataset's workspace."""
    rest, count = iter(texts), 0
    while block := list(set(islice(rest, BLOCK))):
        count += removed(session, VECTORS, dataset=dataset_id, texts=block)
    return count


def removed(session: Session, query: str, **values: Any) -> int:
    return session.execute(text(query), values).rowcount  # pyright: ignore[reportAttributeAccessIssue]
