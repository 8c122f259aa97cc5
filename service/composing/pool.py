"""Which pairs a subset may keep: those of a pair build, or all, as far as its filter keeps them."""

import uuid
from typing import Any

from sqlalchemy import Select, func, insert, literal, select
from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.recipes import Recipe
from service.columns import load_pairs
from service.composing.asked import asked_of
from service.composing.fields import load_fields
from service.export.everything import OUTSIDE
from service.filters.query import Query
from service.tables.pairs import Pair, PairBuild
from service.tables.subsets import Subset, SubsetItem

NO_PAIRS = "pairs: the labels give none by the recipe's policy, so those of the lines are used"


def build_in_use(session: Session, subset: Subset) -> uuid.UUID | None:
    """The build whose pairs are meant; None for all pairs.

    A policy that came with the recipe and builds nothing gives way to the pairs that are there.
    """
    asked = asked_of(subset)
    if asked.build_id is None:
        return None
    build = session.get_one(PairBuild, uuid.UUID(asked.build_id))
    if asked.policy is None and not (build.report or {}).get("pairs"):
        return None
    return build.id


def candidates(session: Session, subset: Subset) -> Select[Any]:
    """Ids of the pairs before the filter."""
    build = build_in_use(session, subset)
    query = select(Pair.id).where(Pair.dataset_id == subset.dataset_id)
    return query if build is None else query.where(Pair.build_id == build)


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
