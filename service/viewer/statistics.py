"""Statistics of every column in the dataset viewer's form, computed by the database.

Rules of the viewer: 10 bins, whole-numbered ones for integers; the last bin includes its end; 5
decimals; a string column is a `string_label` with frequencies where it has at most 10 different
values, or fewer than 1,000 that are at most a fifth of the rows, else a `string_text` by length.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION
from sqlalchemy.orm import Session

from service.tables.viewer import Snapshot, score_column
from service.viewer.snapshots import with_scores

BINS = 10
DECIMALS = 5
MAX_LABELS, MAX_SHARE, ALWAYS_LABELS = 1000, 0.2, 10

PAIRS = "FROM pairs pair WHERE pair.dataset_id = :dataset"
PROMPTS = (
    "FROM pairs pair JOIN prompts prompt ON prompt.dataset_id = :dataset"
    " AND prompt.id = pair.prompt_id WHERE pair.dataset_id = :dataset"
)
ANSWERS = (
    "FROM pairs pair JOIN responses answer ON answer.dataset_id = :dataset"
    " AND answer.id = pair.{name}_id WHERE pair.dataset_id = :dataset"
)
SCORES = "FROM pair_scores WHERE snapshot_id = :snapshot"
SOURCES = (
    "FROM pairs pair JOIN uploads upload ON upload.id = pair.upload_id"
    " WHERE pair.dataset_id = :dataset"
)
SOURCE = "left(encode(upload.sha256, 'hex'), 16) || ':' || pair.line"
TURNS = "jsonb_array_length(answer.messages)"
CHARACTERS = (
    "coalesce(length(answer.text), (SELECT sum(length(turn->>'content'))"
    " FROM jsonb_array_elements(answer.messages) turn), 0)"
)
PROMPT_CHARACTERS = (
    "(SELECT coalesce(sum(length(turn->>'content')), 0)"
    " FROM jsonb_array_elements(prompt.messages) turn)"
)


class Measured(NamedTuple):
    """A column: its values as SQL, and what they are. `list` and `string` count as integers."""

    name: str
    kind: str  # int | float | list | string
    sql: str
    rows: str


def columns(snapshot: Snapshot) -> list[Measured]:
    """The columns of a row, the characters of its texts, and its scores."""
    answers = [
        measured
        for name in ("chosen", "rejected")
        for measured in (
            Measured(name, "list", f"coalesce({TURNS}, 1)", ANSWERS.format(name=name)),
            Measured(f"{name}.length", "int", CHARACTERS, ANSWERS.format(name=name)),
        )
    ]
    scores = [
        Measured(found["name"], "float", score_column(place), SCORES)
        for place, found in enumerate(snapshot.scores, 1)
    ]
    return [
        Measured("prompt", "list", "jsonb_array_length(prompt.messages)", PROMPTS),
        Measured("prompt.length", "int", PROMPT_CHARACTERS, PROMPTS),
        *answers,
        Measured("pair_id", "string", "pair.id::text", PAIRS),
        Measured("prompt_id", "string", "pair.prompt_id::text", PAIRS),
        Measured("votes", "int", "pair.votes", PAIRS),
        Measured("agreement", "float", "pair.agreement", PAIRS),
        Measured("source", "string", SOURCE, SOURCES),
        *scores,
    ]


def statistics(session: Session, snapshot: Snapshot) -> list[Any]:
    """A list of `{column_name, column_type, column_statistics}`, remembered with the snapshot."""
    if snapshot.statistics is None:
        with_scores(session, snapshot)
        session.execute(text("SET LOCAL work_mem = '64MB'"))
        bound = {"dataset": snapshot.dataset_id, "snapshot": snapshot.id}
        snapshot.statistics = [
            describe(session, column, snapshot.rows, bound) for column in columns(snapshot)
        ]
        session.flush()
    return snapshot.statistics


def describe(
    session: Session, column: Measured, rows: int, bound: Mapping[str, Any]
) -> dict[str, Any]:
    kind: str = column.kind
    if kind == "string":
        labels = frequencies(session, column, rows, bound)
        if labels is not None:
            return item(column.name, "string_label", labels)
        kind, column = "string_text", column._replace(sql=f"length({column.sql})")
    return item(column.name, kind, numbers(session, column, rows, bound))


def item(name: str, kind: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"column_name": name, "column_type": kind, "column_statistics": found}


def frequencies(
    session: Session, column: Measured, rows: int, bound: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Values and how often each occurs; None where they are too many for labels."""
    statement = (
        f"SELECT {column.sql} AS value, count(*) {column.rows} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT"
    )
    counted = session.execute(text(f"{statement} {MAX_LABELS}"), bound).all()
    few = len(counted) < MAX_LABELS and len(counted) <= MAX_SHARE * rows
    if len(counted) > ALWAYS_LABELS and not few:
        return None
    values = {value: count for value, count in counted}
    return {
        "nan_count": 0,
        "nan_proportion": 0.0,
        "n_unique": len(values),
        "frequencies": values,
    }


def numbers(
    session: Session, column: Measured, rows: int, bound: Mapping[str, Any]
) -> dict[str, Any]:
    whole = column.kind != "float"
    values = f"(SELECT ({column.sql})::float8 AS value {column.rows}) found"
    known, *moments = session.execute(
        text(
            "SELECT count(value), min(value), max(value), avg(value),"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY value), stddev_samp(value)"
            f" FROM {values}"
        ),
        bound,
    ).one()
    missing = rows - known
    found: dict[str, Any] = {
        "nan_count": missing,
        "nan_proportion": round(missing / rows, DECIMALS) if missing else 0.0,
    }
    names = ("min", "max", "mean", "median", "std")
    found |= {name: rounded(value) for name, value in zip(names, moments, strict=True)}
    if not known:
        return {**found, "histogram": None}
    low, high = moments[:2]
    if whole:
        found |= {"min": int(low), "max": int(high)}
    edges = bin_edges(low, high, whole)
    counts = histogram(session, values, edges, bound)
    shown = [int(edge) if whole else rounded(edge) for edge in edges]
    return {**found, "histogram": {"hist": counts, "bin_edges": shown}}


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)


def bin_edges(low: float, high: float, whole: bool) -> list[float]:
    """Up to 11 edges from low to high. One value alone has the edges [value, value]."""
    if whole:
        size = math.ceil((high - low + 1) / BINS)
        return [*(low + size * i for i in range(math.ceil((high - low + 1) / size))), high]
    if low == high:
        return [low, high]
    return [*(low + (high - low) / BINS * i for i in range(BINS)), high]


def histogram(
    session: Session, values: str, edges: list[float], bound: Mapping[str, Any]
) -> list[int]:
    """How many values lie in [edge, next edge); the last bin includes its end."""
    inner = edges[1:-1]
    if not inner:
        statement = text(f"SELECT 0, count(value) FROM {values}")
        counted = session.execute(statement, bound)
    else:
        statement = text(
            f"SELECT width_bucket(value, :inner), count(*) FROM {values}"
            " WHERE value IS NOT NULL GROUP BY 1"
        ).bindparams(bindparam("inner", inner, ARRAY(DOUBLE_PRECISION)))
        counted = session.execute(statement, dict(bound))
    found: dict[int, int] = {bucket: count for bucket, count in counted}
    return [found.get(i, 0) for i in range(len(edges) - 1)]
