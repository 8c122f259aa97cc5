"""Which pairs a subset may keep: those of a pair build, or all, as far as its filter keeps them."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, String, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.pairing import POLICY, PairPolicy
from curation.recipes import Recipe
from service.columns import load_pairs
from service.composing.asked import asked_of
from service.composing.fields import load_fields
from service.composing.items import PUT_FORWARD, in_two_stages
from service.errors import Conflict
from service.export.everything import OUTSIDE
from service.filters.query import Query
from service.labels.pair_builds import newest_build
from service.tables.jobs import Job
from service.tables.pairs import Pair, PairBuild
from service.tables.subsets import Subset, SubsetItem

BLOCK = 2000  # pairs that are named in one statement
EIGHT = literal_column("8")  # digits; not bound, so that an expression can be grouped by


class Built(NamedTuple):
    """`policy`: the one that decides the pairs, None where the lines do. `build_id`: None where it
    came with the recipe and builds nothing, so that all pairs are taken."""

    policy: PairPolicy | None
    build_id: uuid.UUID | None

    def degraded(self) -> tuple[str, ...]:
        if self.policy is None or self.build_id is not None:
            return ()
        name = self.policy.name()
        return (f"pairs: {name} builds none of these labels, so all pairs are taken",)


class Part(NamedTuple):
    """One of `shards` shards of a pool of `total` pairs; `size` of them lie in it."""

    number: int
    shards: int
    size: int
    total: int


WHOLE = Part(0, 1, 0, 0)


def policy_of(subset: Subset) -> PairPolicy | None:
    """The policy that was asked for, else the recipe's."""
    given = asked_of(subset).policy or subset.recipe.get("pairs")
    return None if given is None else POLICY.validate_python(given)


def built_for(session: Session, subset: Subset) -> Built:
    policy = policy_of(subset)
    if policy is None:
        return Built(None, None)
    made = newest_build(session, subset.dataset_id, policy)
    if subset.state == "pending" and subset.job_id is not None:
        made = kept_until_the_end(session, subset, made)
    if asked_of(subset).policy is None and made is not None:
        there = select(Pair.id).where(Pair.build_id == made.id).limit(1)
        made = made if session.scalar(there) else None
    return Built(policy, made.id if made else None)


def kept_until_the_end(session: Session, subset: Subset, made: PairBuild | None) -> PairBuild:
    """The build that the subset's job selects from, or one since: it stays until the transaction
    ends. Raises Conflict where it was deleted; an earlier one has what no longer follows."""
    job = session.get_one(Job, subset.job_id)
    own = select(PairBuild).where(PairBuild.id == (made.id if made else None))
    held = session.scalar(own.with_for_update(read=True, key_share=True))
    if held is None or held.ordinal < job.spec.get("build", 0):
        raise Conflict(
            f"the pairs that subset {subset.id} was to be selected from were deleted: select again",
            code="build_deleted",
        )
    return held


def candidates(session: Session, subset: Subset, *columns: Any) -> Select[Any]:
    """Of the pairs before the filter."""
    build_id = built_for(session, subset).build_id
    query: Any = select(*columns)
    query = query.select_from(Pair).where(Pair.dataset_id == subset.dataset_id)
    return query if build_id is None else query.where(Pair.build_id == build_id)


def pooled(session: Session, subset: Subset, *columns: Any) -> Select[Any]:
    """Of the pairs that the filter keeps, too."""
    where = asked_of(subset).where
    if where is None:
        return candidates(session, subset, *columns)
    build_id = built_for(session, subset).build_id
    query = Query(session, subset.dataset_id, where).select(*columns)
    return query if build_id is None else query.where(Pair.build_id == build_id)


def shard_of(shards: int) -> Any:
    """The shard of a pair: all of a prompt, by its id, which is a hash."""
    digits = func.concat(literal_column("'x'"), func.right(cast(Pair.prompt_id, String), EIGHT))
    return func.mod(cast(cast(digits, BIT(32)), BigInteger), literal_column(str(int(shards))))


def pool_ids(session: Session, subset: Subset, part: Part | None = None) -> list[str] | None:
    """The pairs that can be selected, in their order; None: all of the dataset.

    Of a subset that is ready, those that could be; of a part, its own; after the parts, what they
    have put forward.
    """
    seen = part is None and (subset.state == "ready" or in_two_stages(session, subset))
    if seen:
        wanted = SubsetItem.reason != OUTSIDE
        if subset.state != "ready":
            wanted = SubsetItem.reason == PUT_FORWARD
        items = select(cast(SubsetItem.pair_id, String)).where(SubsetItem.subset_id == subset.id)
        return list(session.scalars(items.where(wanted).order_by(SubsetItem.position)))
    if part is None and asked_of(subset).where is None and policy_of(subset) is None:
        return None
    query = pooled(session, subset, cast(Pair.id, String))
    if part is not None:
        query = query.where(shard_of(part.shards) == part.number)
    return list(session.scalars(query.order_by(Pair.position)))


def load_pool(session: Session, subset: Subset, recipe: Recipe, part: Part | None = None) -> Pairs:
    """The pairs that can be selected, with the fields that the recipe's selector asks for."""
    ids = pool_ids(session, subset, part)
    pairs = (
        load_pairs(session, subset.dataset_id)
        if ids is None
        else load_named(session, subset.dataset_id, ids)
    )
    names = recipe.selector.field_names()
    if not names:
        return pairs
    return pairs.with_fields(load_fields(session, subset.dataset_id, names, pairs.ids))


def load_named(session: Session, dataset_id: uuid.UUID, ids: Sequence[str]) -> Pairs:
    """The pairs of these ids, which are in the order of their position. A block at a time: how a
    long list is joined would hang on the age of the tables' statistics."""
    pairs = Pairs([], [], [], [], [])
    for start in range(0, len(ids), BLOCK):
        block = load_pairs(session, dataset_id, ids[start : start + BLOCK])
        for name in ("ids", "prompt_ids", "prompts", "chosen", "rejected"):
            getattr(pairs, name).extend(getattr(block, name))
    return pairs


def outside(session: Session, subset: Subset, inside: Sequence[str]) -> list[str]:
    """Candidates that the filter drops."""
    if asked_of(subset).where is None:
        return []
    kept = {*inside}
    every = session.scalars(candidates(session, subset, cast(Pair.id, String)))
    return [name for name in every if name not in kept]
