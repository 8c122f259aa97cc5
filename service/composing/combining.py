"""Subsets put together: in any of them, in the first and no other, in all of them."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.composing.asked import COMBINED, Operation, asked_of, wish_of
from service.composing.items import count
from service.composing.lineage import written_once
from service.errors import Gone
from service.export.everything import RECIPE_ID
from service.selection import SignalUse, SubsetManifest
from service.tables.subsets import Subset

TITLES = {
    "union": "What is in any of {} subsets",
    "minus": "What is in the first of {} subsets and in no other",
    "intersect": "What is in all of {} subsets",
}
DROPPED = {
    "union": "'in_none'",
    "minus": "CASE WHEN first IS NULL THEN 'not_in_first' ELSE 'subtracted' END",
    "intersect": "'not_in_all'",
}
KEPT = {
    "union": "times > 0",
    "minus": "first IS NOT NULL AND times = 1",
    "intersect": "times = :parents",
}
# The order is that of the first parent that keeps a pair, and in it the pair's own.
FILL = """
INSERT INTO subset_items (subset_id, pair_id, position, rank, importance, reason)
SELECT :subset, pair_id, position,
    CASE WHEN {kept} THEN row_number() OVER (PARTITION BY {kept} ORDER BY place, rank) END,
    importance, CASE WHEN {kept} THEN 'selected' ELSE {dropped} END
FROM (
    SELECT i.pair_id, p.position, count(i.rank) AS times,
        min(i.rank) FILTER (WHERE parent.place = 1) AS first,
        min(parent.place) FILTER (WHERE i.rank IS NOT NULL) AS place,
        (array_agg(i.rank ORDER BY parent.place) FILTER (WHERE i.rank IS NOT NULL))[1] AS rank,
        (array_agg(i.importance ORDER BY parent.place) FILTER (WHERE i.rank IS NOT NULL))[1]
            AS importance
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS parent (id, place)
    JOIN subset_items i ON i.subset_id = parent.id
    JOIN pairs p ON p.dataset_id = :dataset AND p.id = i.pair_id
    GROUP BY i.pair_id, p.position
) item
"""


def recipe_of(operation: Operation, parents: Sequence[Subset]) -> dict[str, Any]:
    """Stands where others have a recipe, and says how to make the parents again."""
    return {
        "id": COMBINED,
        "version": 1,
        "title": TITLES[operation].format(len(parents)),
        "paper": None,
        "operation": operation,
        "of": written_once([wish_of(parent) for parent in parents]),
    }


def digest(recipe: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(recipe, option=orjson.OPT_SORT_KEYS)).hexdigest()


def is_whole(subset: Subset) -> bool:
    """Made by an export of a whole dataset, not by a recipe."""
    return subset.recipe["id"] == RECIPE_ID


def fill(session: Session, subset: Subset) -> None:
    """Write every pair that a parent saw, kept or not. Raises Gone where a parent was deleted."""
    ids = [uuid.UUID(name) for name in asked_of(subset).parents]
    parents = [session.get(Subset, id) for id in ids]
    found = [parent for parent in parents if parent is not None]
    if len(found) < len(ids):
        raise Gone("a subset that was to be put together was deleted", code="parent_deleted")
    operation = subset.recipe["operation"]
    values = {
        "subset": subset.id, "dataset": subset.dataset_id, "ids": ids, "parents": len(ids),
    }  # fmt: skip
    query = FILL.format(kept=KEPT[operation], dropped=DROPPED[operation])
    session.execute(text(query), {k: v for k, v in values.items() if f":{k}" in query})
    describe(session, subset, found)


def describe(session: Session, subset: Subset, parents: Sequence[Subset]) -> None:
    """Size, pool and manifest, from what was written."""
    counts = count(session, subset)
    manifests = [SubsetManifest.model_validate(parent.manifest or {}) for parent in parents]
    subset.manifest = SubsetManifest(
        signals=signals_of(manifests),
        reasons=dict(counts.reasons),
        prompts=counts.prompts,
        prompts_kept=counts.prompts_kept,
        degraded=tuple(
            dict.fromkeys([*(said for m in manifests for said in m.degraded), *unsaid(manifests)])
        ),
        parents=tuple(named(parent) for parent in parents),
    ).model_dump(mode="json")
    subset.size, subset.pool = counts.reasons.get("selected", 0), counts.pairs
    subset.state = "ready"


def unsaid(manifests: Sequence[SubsetManifest]) -> list[str]:
    """The columns that recipes of parents give an export, which the set together does not have."""
    names = sorted({name for each in manifests for name in each.outputs})
    return [f"{name}: a column of a parent's recipe, not of subsets put together" for name in names]


def signals_of(manifests: Sequence[SubsetManifest]) -> tuple[SignalUse, ...]:
    """Each generation of scores once; a column whose name another has gets a number."""
    found: dict[tuple[str, str | None], SignalUse] = {}
    taken: set[str] = set()
    for use in (use for each in manifests for use in each.signals):
        key = (use.identity, use.fit.items_sha256 if use.fit else None)
        if key in found:
            continue
        columns = {output: fresh(column, taken) for output, column in use.columns.items()}
        taken.update(columns.values())
        found[key] = use.model_copy(update={"columns": columns})
    return tuple(found.values())


def fresh(column: str, taken: set[str]) -> str:
    number, name = 1, column
    while name in taken:
        number += 1
        name = f"{column}_{number}"
    return name


def named(parent: Subset) -> dict[str, Any]:
    return {
        "id": str(parent.id),
        "recipe_id": parent.recipe["id"],
        "recipe_sha256": parent.recipe_sha256,
        "budget": parent.budget,
        "seed": parent.seed,
        "size": parent.size,
    }
