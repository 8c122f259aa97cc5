"""A subset of the database as a side of a comparison: the rows that its export would have."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.diff.sides import PLAIN, Side, says
from service.errors import Conflict, Invalid
from service.export import pair_labels, source
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem

MOST_PAIRS = 200_000  # of each side: what a request can read while a client waits


def of_subset(session: Session, subset: Subset) -> Side:
    """Raises Conflict for one that is not ready, Gone where its scores were erased."""
    if subset.state != "ready":
        raise Conflict(f"subset {subset.id} is {subset.state}, not ready", code="subset_not_ready")
    size = subset.size or 0
    if size > MOST_PAIRS:
        raise Invalid(
            f"subset {subset.id} has {size:,} pairs, and a request compares {MOST_PAIRS:,} at most:"
            " export both and compare the folders with `prefsift diff`",
            code="too_many_pairs",
        )
    labels = pair_labels.columns(session, subset)
    scores = [column for key in source.score_keys(session, subset) for column in columns_of(key)]
    there = (
        select(func.count())
        .select_from(SubsetItem)
        .join(Pair, (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id))
    )
    kept = there.where(SubsetItem.subset_id == subset.id, SubsetItem.rank.is_not(None))
    return Side(
        name=str(subset.id),
        scores=("weight", *labels, *scores),
        says=says(PLAIN),
        rows=lambda: source.rows(session, subset, labels),
        gone=size - (session.scalar(kept) or 0),
    )


def columns_of(key: source.ScoreKey) -> list[str]:
    return [*key.use.columns.values()]
