"""Reads pairs in blocks of bounded size, as lines of JSON or as Arrow columns.

The server puts a block together: one text for all lines, or one text and its lengths for each
column. Nothing is done row by row in Python, and no cursor or transaction outlives a block, so a
reader that is slow or gone holds nothing. Blocks are found by position (keyset): a pair that is
there throughout is read exactly once, whatever is written meanwhile.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from psycopg.sql import SQL, Composable, Literal
from sqlalchemy.orm import Session

from service.columns import raw
from service.tables.pairs import Pair
from service.viewer.fields import Field

BYTES = 4 << 20  # of text a block, give or take a row
ROWS = 2000  # a block, at most: more than lie between two anchors
LAST = (1 << 63) - 1  # no position is larger
ARGUMENTS = 40  # of a function, of which a member takes two

# One lookup a row by the keys, in the order of position: any other plan would read more.
PLAN = """SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off;
SET LOCAL work_mem = '32MB'"""
RANGE = """SELECT *, position AS place FROM pairs
WHERE dataset_id = {dataset} AND position > {after} AND position <= {until}
ORDER BY position LIMIT {limit}"""
LISTED = """SELECT pairs.*, wanted.place
FROM unnest({positions}::bigint[]) WITH ORDINALITY AS wanted(position, place)
JOIN pairs ON pairs.dataset_id = {dataset} AND pairs.position = wanted.position
ORDER BY wanted.place"""
# As others would have the labels: `Page.said`, in the order of the positions.
SAID = """unnest({positions}::bigint[], {flipped}::bool[], {says}::text[], {soft}::float8[])
WITH ORDINALITY AS wanted(position, flipped, says, soft, place)"""
TURNED = {
    "chosen_id": "CASE WHEN wanted.flipped THEN pairs.rejected_id ELSE pairs.chosen_id END",
    "rejected_id": "CASE WHEN wanted.flipped THEN pairs.chosen_id ELSE pairs.rejected_id END",
    "margin": "CASE WHEN NOT wanted.flipped THEN pairs.margin END",
    "soft_label": "coalesce(wanted.soft, pairs.soft_label)",
}
RELABELLED = f"""SELECT {
    ", ".join(
        f"{TURNED.get(column.name, f'pairs.{column.name}')} AS {column.name}"
        for column in Pair.__table__.columns
    )
}, wanted.says, wanted.place FROM {SAID}
JOIN pairs ON pairs.dataset_id = {{dataset}} AND pairs.position = wanted.position
ORDER BY wanted.place"""
JOINS = {
    "prompt.": (
        "JOIN prompts prompt ON prompt.dataset_id = {dataset} AND prompt.id = pair.prompt_id"
    ),
    "chosen.": (
        "JOIN responses chosen ON chosen.dataset_id = {dataset} AND chosen.id = pair.chosen_id"
    ),
    "rejected.": (
        "JOIN responses rejected"
        " ON rejected.dataset_id = {dataset} AND rejected.id = pair.rejected_id"
    ),
    "upload.": "JOIN uploads upload ON upload.id = pair.upload_id",
    "scored.": (
        "LEFT JOIN pair_scores scored"
        " ON scored.snapshot_id = {snapshot} AND scored.position = pair.position"
    ),
}
# What was taken before a row decides whether it still belongs to the block; the first one does.
# OFFSET 0 keeps the planner from computing a value again at each place that names it.
LIMITED = """SELECT count(*), count(*) FILTER (WHERE taken),
    (max(ARRAY[place, at]) FILTER (WHERE taken))[2], {collected}
FROM (
    SELECT *,
        sum({size}) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - ({size}) < {bytes} AS taken
    FROM (
        SELECT pair.place, pair.position AS at, {values} FROM ({page}) pair {joins} OFFSET 0
    ) valued OFFSET 0
) measured"""


class Source(NamedTuple):
    """Which rows: of a dataset, with the scores of one of its snapshots."""

    dataset_id: uuid.UUID
    snapshot_id: int
    fields: Sequence[Field]


class Said(NamedTuple):
    """Other labels of as many pairs: whether the two answers change places, what the label `says`
    then, P(chosen is better) or None as stored."""

    flipped: Sequence[bool]
    says: Sequence[str]
    soft: Sequence[float | None]


class Page(NamedTuple):
    """Up to `limit` pairs with `after` < position <= `until`, or exactly these, as ordered.

    `said` of exactly these pairs.
    """

    after: int = -1
    until: int = LAST
    limit: int = ROWS
    positions: Sequence[int] | None = None
    said: Said | None = None


class Block(NamedTuple):
    """The first `rows` of the `seen` rows of a page; fewer where they are large.

    `last` is the position of the last one, -1 where there is none.
    """

    seen: int
    rows: int
    last: int
    data: Any


def lines(session: Session, source: Source, page: Page) -> Block:
    """`data`: a JSON object a line, in UTF-8. Messages are as stored, with all their keys."""
    members = [member(found, i) for i, found in enumerate(source.fields)]
    line = SQL("concat({}, E'}}\\n') AS line").format(SQL(", ").join(grouped(members)))
    block = collect(
        session, source, page, [line], SQL("octet_length(line)"),
        [SQL("string_agg(line, '' ORDER BY place) FILTER (WHERE taken)")],
    )  # fmt: skip
    return block._replace(data=block.data[0] or b"")


def grouped(members: Sequence[Composable]) -> Iterator[Composable]:
    """Members side by side, so that no function gets more arguments than PostgreSQL allows."""
    for at in range(0, len(members), ARGUMENTS):
        yield SQL("concat({})").format(SQL(", ").join(members[at : at + ARGUMENTS]))


def written(statement: str) -> SQL:
    """A piece of SQL that stands in this package; never a caller's text."""
    return SQL(statement)  # pyright: ignore[reportArgumentType]  put together from literals


def member(field: Field, ordinal: int) -> Composable:
    """`"name":value` of a JSON object."""
    if field.kind == "messages":
        head, tail = f'[{{"role": "{field.role}", "content": ', "}]"
        simple = f"concat('{head}', to_json({field.sql}), '{tail}')"
        stored = f"{field.other}::text"
        value = (
            f"CASE WHEN {field.simple} THEN {simple} ELSE {stored} END" if field.whole else stored
        )
    elif field.kind == "string":
        value = f"coalesce(to_json({field.sql})::text, 'null')"
    else:
        value = f"coalesce(({field.sql})::text, 'null')"
    key = ("," if ordinal else "{") + orjson.dumps(field.name).decode() + ":"
    return Literal(key) + SQL(", ") + written(value)


def collect(
    session: Session,
    source: Source,
    page: Page,
    values: Sequence[Composable],
    size: Composable,
    collected: Sequence[Composable],
) -> Block:
    """A block with the aggregates `collected` of `values`, each in the server's binary form."""
    limits = page._asdict() | {"dataset": source.dataset_id, "snapshot": source.snapshot_id}
    del limits["said"]
    listed = LISTED if page.positions is not None else RANGE
    if page.said is not None:
        listed, limits = RELABELLED, limits | page.said._asdict()
    needed = "".join(found.sql + found.other for found in source.fields)
    joins = " ".join(join for alias, join in JOINS.items() if alias in needed)
    bound = {name: Literal(value) for name, value in limits.items()}
    statement = SQL(LIMITED).format(
        page=written(listed).format(**bound),
        joins=written(joins).format(**bound),
        values=SQL(", ").join(values),
        size=size,
        bytes=BYTES,
        collected=SQL(", ").join(collected),
    )
    connection = raw(session)
    connection.execute(PLAN)
    with connection.cursor(binary=True) as cursor:
        cursor.execute(statement)
        result = cursor.pgresult
        assert result is not None
        found = [result.get_value(0, i) for i in range(3 + len(collected))]
    seen, rows, last = (
        int.from_bytes(number or b"\xff", "big", signed=True) for number in found[:3]
    )
    return Block(seen, rows, last, found[3:])
