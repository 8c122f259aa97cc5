"""Every pair of a dataset, or each that a filter keeps, as a subset that leaves as any other."""

import hashlib
import uuid
from typing import Any

import orjson
from sqlalchemy import case, func, insert, literal, select
from sqlalchemy.orm import Session

from service.filters.forms import to_text
from service.filters.query import Query, Where
from service.selection import SubsetManifest
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem

RECIPE_ID = "all"
OUTSIDE = "not_in_filter"  # the reason of a pair that the filter drops


def add_subset(session: Session, dataset_id: uuid.UUID, where: Where) -> Subset:
    """A pending subset of what the filter keeps. Raises BadFilter where the filter is wrong."""
    tree = Query(session, dataset_id, where).tree
    said = None if tree is None else to_text(tree)
    title = "Every pair" if said is None else "Every pair that the filter keeps"
    recipe = {"id": RECIPE_ID, "version": 1, "title": title, "paper": None, "where": said}
    digest = hashlib.sha256(orjson.dumps(recipe, option=orjson.OPT_SORT_KEYS)).hexdigest()
    subset = Subset(
        id=uuid.uuid4(),
        dataset_id=dataset_id,
        recipe=recipe,
        recipe_sha256=digest,
        budget="100%",
        seed=0,
        state="pending",
    )
    session.add(subset)
    session.flush()
    return subset


def is_everything(subset: Subset) -> bool:
    """Whether the subset stands for its whole dataset, also for records that hold no pair."""
    return subset.recipe["id"] == RECIPE_ID and subset.recipe.get("where") is None


def fill(session: Session, subset: Subset) -> None:
    """Keep the pairs in the order of the dataset."""
    found = Query(session, subset.dataset_id, subset.recipe["where"])
    rank: Any = func.row_number().over(order_by=Pair.position)
    kept = found.select(Pair.id.label("id"), rank.label("rank")).subquery()
    reason = case((kept.c.rank.is_not(None), "selected"), else_=OUTSIDE)
    everyone = (
        select(literal(subset.id), Pair.id, Pair.position, kept.c.rank, reason)
        .select_from(Pair)
        .outerjoin(kept, kept.c.id == Pair.id)
        .where(Pair.dataset_id == subset.dataset_id)
    )
    names = ("subset_id", "pair_id", "position", "rank", "reason")
    session.execute(insert(SubsetItem).from_select(names, everyone))
    counted = select(
        func.count(),
        func.count(SubsetItem.rank),
        func.count(Pair.prompt_id.distinct()),
        func.count(Pair.prompt_id.distinct()).filter(SubsetItem.rank.is_not(None)),
    )
    of = counted.select_from(SubsetItem).join(
        Pair, (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id)
    )
    pool, size, prompts, prompts_kept = session.execute(
        of.where(SubsetItem.subset_id == subset.id)
    ).one()
    reasons = {"selected": size, OUTSIDE: pool - size}
    subset.pool, subset.size = pool, size
    subset.manifest = SubsetManifest(
        reasons={reason: count for reason, count in reasons.items() if count},
        prompts=prompts,
        prompts_kept=prompts_kept,
    ).model_dump(mode="json")
    subset.state = "ready"
    session.flush()
