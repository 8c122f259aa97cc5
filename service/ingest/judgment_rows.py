"""Rows of labels and responses, many records at a time and as plain tuples: ids as text."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy.orm import Session

from service.columns import raw

Key: TypeAlias = tuple[str, int, int]  # upload, line, part


class ComparisonRow(NamedTuple):
    key: Key
    annotator: str | None
    aspect: str | None
    a: str
    b: str
    outcome: Any  # a | b | tie | both_bad
    strength: float | None


class RatingRow(NamedTuple):
    """Of a whole response."""

    key: Key
    annotator: str | None
    aspect: str | None
    response: str
    value: float
    low: float | None
    high: float | None


class RankingRow(NamedTuple):
    key: Key
    annotator: str | None
    aspect: str | None
    tiers: list[list[str]]


class ResponseRow(NamedTuple):
    id: str
    text: str | None
    messages: list[Any] | None
    uri: str | None
    model: str | None


# Joined to the lines that are wanted: an index look-up each, whatever the table's size.
LABELS = """
SELECT upload_id::text, line, part, annotator_id::text, aspect, {columns}
FROM unnest(%s::uuid[], %s::int8[]) AS wanted(upload_id, line) JOIN {table} USING (upload_id, line)
WHERE {condition} ORDER BY upload_id, line, ordinal
"""
COMPARISONS = LABELS.format(
    table="comparisons", columns="a::text, b::text, outcome, strength", condition="true"
)
RATINGS = LABELS.format(
    table="ratings", columns="response_id::text, value, scale_low, scale_high",
    condition="response_id IS NOT NULL AND turn IS NULL",
)  # fmt: skip
RANKINGS = LABELS.format(table="rankings", columns="tiers", condition="true")
RESPONSES = """
SELECT id::text, text, messages, uri, model FROM responses
WHERE dataset_id = %s AND id = ANY(%s::uuid[])
"""
ANNOTATORS = "SELECT id::text, name, kind FROM annotators WHERE dataset_id = %s AND id = ANY(%s)"


def fetched(session: Session, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with raw(session).cursor(binary=True) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def labels(session: Session, query: str, lines: Iterable[tuple[str, int]]) -> Any:
    """Tuples without their key, by record and in the order of its line."""
    wanted = list(dict.fromkeys(lines))
    found: dict[Key, list[tuple[Any, ...]]] = defaultdict(list)
    uploads, numbers = [upload for upload, _ in wanted], [line for _, line in wanted]
    for row in fetched(session, query, uploads, numbers):
        found[row[:3]].append(row[3:])
    return found


def comparisons(
    session: Session, lines: Iterable[tuple[str, int]]
) -> dict[Key, list[ComparisonRow]]:
    return typed(ComparisonRow, labels(session, COMPARISONS, lines))


def ratings(session: Session, lines: Iterable[tuple[str, int]]) -> dict[Key, list[RatingRow]]:
    return typed(RatingRow, labels(session, RATINGS, lines))


def rankings(session: Session, lines: Iterable[tuple[str, int]]) -> dict[Key, list[RankingRow]]:
    return typed(RankingRow, labels(session, RANKINGS, lines))


def typed(kind: Any, found: Any) -> Any:
    return {key: [kind(key, *row) for row in rows] for key, rows in found.items()}


def responses(
    session: Session, dataset_id: uuid.UUID, ids: Sequence[str]
) -> dict[str, ResponseRow]:
    rows = fetched(session, RESPONSES, dataset_id, list(ids)) if ids else []
    return {row[0]: ResponseRow(*row) for row in rows}


def annotators(session: Session, dataset_id: uuid.UUID, ids: Sequence[str]) -> dict[str, str]:
    """(name, kind) as one text, by id."""
    wanted = [uuid.UUID(id) for id in ids]
    rows = fetched(session, ANNOTATORS, dataset_id, wanted) if ids else []
    return {id: "\0".join((name, kind)) for id, name, kind in rows}
