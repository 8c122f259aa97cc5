"""What the whole-dataset signals of a subset learn from: the pairs that it is selected from."""

import hashlib
import uuid
from typing import NamedTuple

import orjson
from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from curation.items import Pairs, Prompts
from curation.signals import Level
from service.columns import load_prompts
from service.composing.asked import asked_of
from service.composing.pool import BLOCK, built_for, load_named, pooled
from service.tables.jobs import Job, JobKind
from service.tables.pairs import Pair
from service.tables.subsets import Subset


class LearningPool(NamedTuple):
    """Fewer pairs than the dataset has: those of a build, those that a filter keeps, or both.
    `key` names policy and filter, so that subsets of one pool share its fits."""

    subset: Subset
    key: str

    def item_ids(self, session: Session, level: Level) -> list[str]:
        """Of its pairs or their prompts, in the order of `service.columns.item_ids`."""
        if level == Level.pair:
            query = pooled(session, self.subset, cast(Pair.id, String))
            return list(session.scalars(query.order_by(Pair.position)))
        query = pooled(session, self.subset, cast(Pair.prompt_id, String))
        return sorted({*session.scalars(query)})

    def load_items(self, session: Session, level: Level) -> Pairs | Prompts:
        ids, dataset_id = self.item_ids(session, level), self.subset.dataset_id
        if level == Level.pair:
            return load_named(session, dataset_id, ids)
        blocks = [ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK)]
        found = [load_prompts(session, dataset_id, block) for block in blocks]
        return Prompts(
            [name for block in found for name in block.ids],
            [text for block in found for text in block.texts],
        )


def learning_pool(session: Session, subset: Subset) -> LearningPool | None:
    """None where the pool is all of the dataset, whose scores then serve everyone."""
    built, where = built_for(session, subset), asked_of(subset).where
    if built.build_id is None and where is None:
        return None
    pairs = pooled(session, subset, Pair.id).subquery()
    every = select(func.count()).where(Pair.dataset_id == subset.dataset_id)
    if session.scalar(select(func.count()).select_from(pairs)) == session.scalar(every):
        return None
    policy = built.policy.sha256() if built.policy and built.build_id else None
    named = orjson.dumps({"policy": policy, "where": where}, option=orjson.OPT_SORT_KEYS)
    return LearningPool(subset, hashlib.sha256(named).hexdigest())


def pool_of_job(session: Session, job: Job) -> LearningPool | None:
    """Of the subset that a job makes; None for a job of another kind."""
    if job.kind != JobKind.select:
        return None
    return learning_pool(session, session.get_one(Subset, uuid.UUID(job.spec["subset_id"])))
