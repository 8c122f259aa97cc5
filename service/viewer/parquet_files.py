"""A dataset as Parquet files, made as they are asked for and kept with its snapshot."""

import tempfile
import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import IO, Any

import pyarrow.parquet as pq
from sqlalchemy import select

from service import db, files
from service.tables.viewer import ParquetShard, Snapshot
from service.viewer import arrays
from service.viewer.blocks import Block, Page, Source
from service.viewer.fields import schema
from service.viewer.snapshots import earlier_snapshot, fields_of, snapshot_of, with_scores
from service.viewer.streams import AHEAD, Wanted, pages, read_page

SHARD_PAGES = 100  # of an anchor's 1,000 rows each
SECONDS = 10  # that one request spends on making files; the next one goes on


def convert(dataset_id: uuid.UUID, seconds: float = SECONDS) -> tuple[Snapshot, list[ParquetShard]]:
    """The files that there are after up to so many seconds (and one file), in order."""
    until = time.monotonic() + seconds
    with db.new_session.begin() as session:
        snapshot = with_scores(session, snapshot_of(session, dataset_id))
        shards = list(session.scalars(shards_of(snapshot)))
    while len(shards) < shard_count(snapshot):
        shards.append(write(snapshot, len(shards)))
        if time.monotonic() >= until:
            break
    return snapshot, shards


def shards_of(snapshot: Snapshot) -> Any:
    found = select(ParquetShard).where(ParquetShard.snapshot_id == snapshot.id)
    return found.order_by(ParquetShard.ordinal)


def shard_count(snapshot: Snapshot) -> int:
    """An empty dataset has one file: its columns."""
    return max(1, -(-len(snapshot.anchors) // SHARD_PAGES))


def write(snapshot: Snapshot, ordinal: int) -> ParquetShard:
    """Write one file and its row; another request may have been faster, with the same rows.

    Raises Gone where the snapshot was forgotten meanwhile; the sweep removes the file.
    """
    begin = ordinal * SHARD_PAGES
    own = list(pages(snapshot.anchors))[begin : begin + SHARD_PAGES]
    source = Source(snapshot.dataset_id, snapshot.id, fields_of(snapshot))
    with tempfile.TemporaryFile() as local:
        rows, memory = fill(local, Wanted(source, snapshot.anchors), own)
        local.seek(0)
        incoming = files.Incoming()
        while piece := local.read(files.BLOCK):
            incoming.write(piece)
    sha256 = incoming.digest.hexdigest()
    key = f"{files.VIEWED}/{snapshot.id}/{ordinal}-{sha256}"
    incoming.keep(key)
    made = ParquetShard(
        snapshot_id=snapshot.id, ordinal=ordinal, rows=rows, size=incoming.size, memory=memory,
        sha256=sha256, key=key,
    )  # fmt: skip
    with db.new_session.begin() as session:
        earlier_snapshot(session, snapshot.dataset_id, snapshot.id)
        return session.merge(made)


def fill(file: IO[bytes], wanted: Wanted, own: list[Page]) -> tuple[int, int]:
    """Rows and bytes of Arrow data written: a row group a block."""
    rows = memory = 0
    with pq.ParquetWriter(file, schema(wanted.source.fields), compression="zstd") as parquet:
        for block in read_ahead(wanted, own):
            if block.rows:
                parquet.write_batch(block.data)
                rows += block.rows
                memory += block.data.nbytes
    return rows, memory


def read_ahead(wanted: Wanted, own: list[Page]) -> Iterator[Block]:
    """Blocks in order; while one is written, the next ones are read."""
    coming = iter(own)
    with ThreadPoolExecutor(AHEAD) as threads:
        waiting: deque[Future[tuple[Block, Page | None]]] = deque()

        def begin(page: Page) -> Future[tuple[Block, Page | None]]:
            return threads.submit(read_page, arrays.batch, wanted, page)

        waiting.extend(map(begin, islice(coming, AHEAD)))
        while waiting:
            block, rest = waiting.popleft().result()
            if rest is not None:
                waiting.appendleft(begin(rest))
            else:
                waiting.extend(map(begin, islice(coming, 1)))
            yield block


def file_name(snapshot: Snapshot, ordinal: int) -> str:
    return f"train-{ordinal:05d}-of-{shard_count(snapshot):05d}.parquet"
