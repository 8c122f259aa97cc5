"""Which pairs a subset may keep: those of a pair build, or all, as far as its filter keeps them."""

import uuid
from typing import Any, NamedTuple

from sqlalchemy import Select, func, insert, literal, select
from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.pairing import POLICY, PairPolicy
from curation.recipes import Recipe
from service.columns import load_pairs
from service.composing.asked import asked_of
from service.composing.fields import load_fields
from service.export.everything import OUTSIDE
from service.filters.query import Query
from service.labels.pair_builds import newest_build
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem


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


def policy_of(subset: Subset) -> PairPolicy | None:
    """The policy that was asked for, else the recipe's."""
    given = asked_of(subset).policy or subset.recipe.get("pairs")
    return None if given is None else POLICY.validate_python(given)


def built_for(session: Session, subset: Subset) -> Built:
    policy = policy_of(subset)
    if policy is None:
        return Built(None, None)
    made = newest_build(session, subset.dataset_id, policy)
    if asked_of(subset).policy is None and made is not None:
        there = select(Pair.id).where(Pair.build_id == made.id).limit(1)
        made = made if session.scalar(there) else None
    return Built(policy, made.id if made else None)


def candidates(session: Session, subset: Subset) -> Select[Any]:
    """Ids of the pairs before the filter."""
    build_id = built_for(session, subset).build_id
    query = select(Pair.id).where(Pair.dataset_id == subset.dataset_id)
    return query if build_id is None else query.where(Pair.build_id == build_id)


def pool_ids(session: Session, subset: Subset) -> Select[Any]:
    """Ids of the pairs that can be selected; of a subset that is ready, those that could be."""
    if subset.state == "ready":
        items = select(SubsetItem.pair_id).where(SubsetItem.subset_id == subset.id)
        return items.where(SubsetItem.reason != OUTSIDE)
    found = candidates(session, subset)
    where = asked_of(subset).where
    if where is None:
        return found
    kept = Query(session, subset.dataset_id, where).select(Pair.id)
    return found.where(Pair.id.in_(kept))


def load_pool(session: Session, subset: Subset, recipe: Recipe) -> Pairs:
    """The pairs that can be selected, with the fields that the recipe's selector asks for."""
    pairs = load_pairs(session, subset.dataset_id, pool_ids(session, subset))
    names = recipe.selector.field_names()
    if not names:
        return pairs
    return pairs.with_fields(load_fields(session, subset.dataset_id, names, pairs.ids))


def write_outside(session: Session, subset: Subset) -> int:
    """An item for each candidate that the filter drops, once the others are written; how many."""
    if asked_of(subset).where is None:
        return 0
    written = select(SubsetItem.pair_id).where(SubsetItem.subset_id == subset.id)
    outside = select(literal(subset.id), Pair.id, Pair.position, literal(OUTSIDE)).where(
        Pair.dataset_id == subset.dataset_id,
        Pair.id.in_(candidates(session, subset)),
        Pair.id.not_in(written),
    )
    names = ("subset_id", "pair_id", "position", "reason")
    session.execute(insert(SubsetItem).from_select(names, outside))
    counted = select(func.count()).where(
        SubsetItem.subset_id == subset.id, SubsetItem.reason == OUTSIDE
    )
    return session.scalar(counted) or 0
