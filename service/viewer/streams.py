"""Streams of pairs: the next blocks are read while the client takes the last one.

An asynchronous generator that gives whole blocks: one that gives rows, or a plain generator, goes
through the event loop or a thread for each row. At most AHEAD blocks wait for a slow client, each
read in a transaction of its own, so a client that stops or leaves holds no connection.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from service import db
from service.errors import Conflict
from service.tables.pairs import Pair
from service.tables.viewer import Snapshot
from service.viewer import arrays, blocks
from service.viewer.blocks import LAST, Block, Page, Source
from service.viewer.fields import schema

AHEAD = 2  # blocks that are read at the same time
PIECE = 256 << 10  # bytes handed to the server at once, so that other requests get their turn
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"  # of Arrow IPC

Read = Callable[[Session, Source, Page], Block]


class Wanted(NamedTuple):
    """What is streamed: rows of a source, all of them or those that a condition holds for."""

    source: Source
    anchors: list[int]
    condition: ColumnElement[bool] | None = None


def pages(anchors: list[int]) -> Iterator[Page]:
    """The dataset in pages of an anchor's rows; what comes in meanwhile is in the last."""
    for i, anchor in enumerate(anchors):
        until = anchors[i + 1] - 1 if i + 1 < len(anchors) else LAST
        yield Page(anchor - 1, until)


def read_page(read: Read, wanted: Wanted, page: Page) -> Block:
    """A block in a transaction of its own."""
    with db.new_session() as session:
        if session.get(Snapshot, wanted.source.snapshot_id) is None:
            raise Conflict("the dataset changed twice while it was read", code="snapshot_gone")
        return read(session, wanted.source, matching(session, wanted, page))


def matching(session: Session, wanted: Wanted, page: Page) -> Page:
    """The pairs of the page that the condition holds for."""
    if wanted.condition is None:
        return page
    found = (
        select(Pair.position)
        .where(Pair.dataset_id == wanted.source.dataset_id, wanted.condition)
        .where(Pair.position > page.after, Pair.position <= page.until)
        .order_by(Pair.position)
    )
    return page._replace(positions=session.scalars(found.limit(page.limit)).all())


def rest_of(page: Page, block: Block) -> Page | None:
    """What the block left of its page; not more rows at once than did fit."""
    if block.rows == block.seen < page.limit:
        return None
    return page._replace(
        after=block.last, limit=max(1, min(page.limit, block.rows)), positions=None
    )


async def stream(read: Read, wanted: Wanted) -> AsyncIterator[Block]:
    """Blocks in the order of their rows. A page that is too large for one is read on from there."""
    waiting: deque[tuple[Page, asyncio.Task[Block]]] = deque()
    coming = pages(wanted.anchors)

    def begin(page: Page | None, first: bool = False) -> None:
        if page is not None:
            task = asyncio.create_task(asyncio.to_thread(read_page, read, wanted, page))
            (waiting.appendleft if first else waiting.append)((page, task))

    try:
        for _ in range(AHEAD):
            begin(next(coming, None))
        while waiting:
            page, task = waiting.popleft()
            block = await task
            if (rest := rest_of(page, block)) is not None:
                begin(rest, first=True)
            else:
                begin(next(coming, None))
            yield block
    finally:  # a thread that still reads ends its transaction by itself
        for _, task in waiting:
            task.cancel()


async def ndjson(wanted: Wanted) -> AsyncIterator[Any]:
    """A JSON object a line."""
    async for block in stream(blocks.lines, wanted):
        for piece in pieces(block.data):
            yield piece


async def arrow(wanted: Wanted) -> AsyncIterator[Any]:
    """An Arrow IPC stream: the schema, then a record batch a block."""
    yield bytes(schema(wanted.source.fields).serialize())
    async for block in stream(arrays.batch, wanted):
        if block.rows:
            for piece in pieces(block.data.serialize()):
                yield piece
    yield END_OF_STREAM


def pieces(data: Any) -> Iterator[memoryview]:
    view = memoryview(data)
    return (view[at : at + PIECE] for at in range(0, len(view), PIECE))
