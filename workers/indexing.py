"""The index_words job: the words of a dataset's pairs, for full text."""

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service.filters.words import add_words, unindexed, unindexed_pairs
from service.ingest.store import read_dataset
from service.tables.jobs import Job
from service.tables.pairs import Pair
from workers.handler import ShardPlan, Work

ROWS = 20_000  # a shard
BATCH = 1000  # pairs that are committed together: an upload waits no longer
# More words are collected before they are sorted into the index: it is the index that takes time.
COLLECT = text("SET LOCAL gin_pending_list_limit = '64MB'")
TIDY = text("SELECT gin_clean_pending_list('pair_words_dataset_id_words_idx')")


class Indexing:
    """Stage `index`: a shard a range of positions."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        number = func.row_number().over(order_by=Pair.position) - 1
        own = select(Pair.position, number.label("number")).where(
            Pair.dataset_id == job.dataset_id, unindexed(Pair)
        )
        found = own.subquery()
        shard = found.c.number // ROWS
        ranges = select(func.min(found.c.position), func.max(found.c.position), func.count())
        rows = session.execute(ranges.group_by(shard).order_by(shard))
        return [ShardPlan({"first": row[0], "last": row[1]}, row[2]) for row in rows]

    def run(self, work: Work) -> None:
        session, dataset_id = work.session, work.job.dataset_id
        assert dataset_id is not None
        first, last = work.payload["first"], work.payload["last"]
        while True:
            read_dataset(session, dataset_id)
            session.execute(COLLECT)
            found = unindexed_pairs(session, dataset_id, BATCH, first, last)
            if not found:
                return
            work.checkpoint(add_words(session, dataset_id, found))
            first = found[-1] + 1

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        session.execute(TIDY)
        session.execute(text("ANALYZE pair_words"))
        left = select(func.count()).where(Pair.dataset_id == job.dataset_id, unindexed(Pair))
        return {"not_indexed": session.scalar(left)}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """What is indexed stays."""
