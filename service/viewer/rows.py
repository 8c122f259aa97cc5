"""Pages of rows in the dataset viewer's form: bounded cells, numbered rows, typed columns."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy.orm import Session

from service.tables.viewer import Snapshot
from service.viewer import arrays, blocks
from service.viewer.blocks import Page, Said, Source
from service.viewer.fields import Field
from service.viewer.selection import choose
from service.viewer.snapshots import fields_of, row_numbers, with_scores

PAGE_ROWS = 100  # the viewer's limit
POSITION = Field("position", "int64", "pair.position", "order key")
CELL = 100_000  # characters of text of a cell; the rest is cut, and `truncated_cells` says so


def features(fields: Sequence[Field]) -> list[dict[str, Any]]:
    return [
        {"feature_idx": i, "name": found.name, "type": found.feature}
        for i, found in enumerate(fields)
    ]


def page(
    session: Session, snapshot: Snapshot, wanted: Sequence[int], total: int, partial: bool = False
) -> dict[str, Any]:
    """The rows at these positions, in their order. `total` counts what the page is a part of."""
    fields = fields_of(snapshot)
    if snapshot.scores and wanted:
        with_scores(session, snapshot)
    source = Source(snapshot.dataset_id, snapshot.id, (*fields, POSITION))
    numbers = dict(zip(wanted, row_numbers(session, snapshot, wanted), strict=True))
    rows = ((row.pop(POSITION.name), *cut(row)) for row in read(session, source, wanted))
    return {
        "features": features(fields),
        "rows": [
            {"row_idx": numbers[position], "row": row, "truncated_cells": truncated}
            for position, row, truncated in rows
        ],
        "num_rows_total": total,
        "num_rows_per_page": PAGE_ROWS,
        "partial": partial,
    }


def read(session: Session, source: Source, wanted: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Rows one after the other, but those that are gone: one block of them is in memory."""
    while wanted:
        block = arrays.batch(session, source, Page(positions=wanted))
        yield from block.data.to_pylist()
        if block.rows == block.seen:
            return
        wanted = wanted[wanted.index(block.last) + 1 :]


def source_of(
    session: Session, snapshot: Snapshot, names: str | Sequence[str] | None = None
) -> Source:
    """Rows with the columns of these names, their scores ready. Raises Invalid."""
    chosen = choose(snapshot, names)
    if any("scored." in found.sql for found in chosen):
        with_scores(session, snapshot)
    return Source(snapshot.dataset_id, snapshot.id, chosen)


def selected(
    session: Session, source: Source, wanted: Sequence[int], said: Said | None = None
) -> list[dict[str, Any]]:
    """Whole rows at these positions, in their order, but those that are gone."""
    found: list[dict[str, Any]] = []
    while wanted:
        block = blocks.lines(session, source, Page(positions=wanted, said=said))
        found += [orjson.loads(line) for line in block.data.split(b"\n")[:-1]]
        if block.rows == block.seen:
            break
        read = wanted.index(block.last) + 1
        wanted = wanted[read:]
        if said is not None:
            said = Said(said.flipped[read:], said.says[read:], said.soft[read:])
    return found


def cut(row: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The row with its long cells shortened, and their names."""
    truncated: list[str] = []
    for name, value in row.items():
        if isinstance(value, list):
            kept = shortened(value)
            if kept is not value:
                row[name] = kept
                truncated.append(name)
    return row, truncated


def shortened(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same list where its texts fit into a cell; else as much of it as fits."""
    if sum(len(message["content"]) for message in messages) <= CELL:
        return messages
    room, kept = CELL, list[dict[str, str]]()
    for message in messages:
        kept.append({**message, "content": message["content"][:room]})
        room -= len(kept[-1]["content"])
        if room <= 0:
            break
    return kept
