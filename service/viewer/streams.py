"""Streams of pairs: the next blocks are read while the client takes the last one.

An asynchronous generator that gives whole blocks: one that gives rows, or a plain generator, goes
through the event loop or a thread for each row. At most AHEAD blocks wait for a slow client, each
read in a transaction of its own, so a client that stops or leaves holds no connection.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Select
from sqlalchemy.orm import Session

from service import db
from service.filters.query import limited
from service.filters.words import ROOM
from service.tables.pairs import Pair
from service.viewer import arrays, blocks
from service.viewer.blocks import LAST, Block, Page, Source
from service.viewer.fields import schema
from service.viewer.snapshots import earlier_snapshot

AHEAD = 2  # blocks that are read at the same time
PIECE = 256 << 10  # bytes handed to the server at once, so that other requests get their turn
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"  # of Arrow IPC

Read = Callable[[Session, Source, Page], Block]


class Wanted(NamedTuple):
    """What is streamed: rows of a source, all of them or those whose positions are `kept`.

    `relabel` lists the pairs of a page, and the page as somebody else would have their labels."""

    source: Source
    anchors: list[int]
    kept: Select[tuple[int]] | None = None
    relabel: Callable[[Session, Page], tuple[Page, Page]] | None = None


def pages(anchors: list[int]) -> Iterator[Page]:
    """The dataset in pages of an anchor's rows; what comes in meanwhile is in the last."""
    for i, anchor in enumerate(anchors):
        until = anchors[i + 1] - 1 if i + 1 < len(anchors) else LAST
        yield Page(anchor - 1, until)


def read_page(read: Read, wanted: Wanted, page: Page) -> tuple[Block, Page | None]:
    """A block in a transaction of its own, and what it leaves of its page.

    Raises Gone where the snapshot was forgotten, as only many changes or an erasure do.
    """
    with db.new_session.begin() as session:
        earlier_snapshot(session, wanted.source.dataset_id, wanted.source.snapshot_id)
        found = shown = matching(session, wanted, page)
        if wanted.relabel is not None:
            found, shown = wanted.relabel(session, found)
        block = read(session, wanted.source, shown)
    return block, rest_of(found, block)


def matching(session: Session, wanted: Wanted, page: Page) -> Page:
    """The kept pairs of the page, as long as it takes to find them."""
    if wanted.kept is None:
        return page
    found = wanted.kept.where(Pair.position > page.after, Pair.position <= page.until)
    found = found.order_by(Pair.position).limit(page.limit)
    with limited(session):
        session.execute(ROOM)
        return page._replace(positions=session.scalars(found).all())


def rest_of(page: Page, block: Block) -> Page | None:
    """What the block left of its page; not more rows at once than did fit."""
    listed = block.seen if page.positions is None else len(page.positions)
    if block.rows < block.seen:
        limit = max(1, min(page.limit, block.rows))
        return page._replace(after=block.last, limit=limit, positions=None)
    if listed < page.limit:
        return None
    # Of those that were listed some may be deleted by now, and so the last one.
    last = block.last if page.positions is None else page.positions[-1]
    return page._replace(after=last, positions=None)


async def stream(read: Read, wanted: Wanted) -> AsyncIterator[Block]:
    """Blocks in the order of their rows. A page that is too large for one is read on from there."""
    waiting: deque[asyncio.Task[tuple[Block, Page | None]]] = deque()
    coming = pages(wanted.anchors)

    def begin(page: Page | None, first: bool = False) -> None:
        if page is not None:
            task = asyncio.create_task(asyncio.to_thread(read_page, read, wanted, page))
            (waiting.appendleft if first else waiting.append)(task)

    try:
        for _ in range(AHEAD):
            begin(next(coming, None))
        while waiting:
            block, rest = await waiting.popleft()
            if rest is not None:
                begin(rest, first=True)
            else:
                begin(next(coming, None))
            yield block
    finally:  # a thread that still reads ends its transaction by itself
        for task in waiting:
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
