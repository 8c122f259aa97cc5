"""What the labels say of an exported pair, beside who is better: margin, soft label, stage."""

from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.tables.pairs import Pair, PairBuild
from service.tables.subsets import Subset, SubsetItem

# A column leaves only where it tells more than that chosen is better.
TELLING = {
    "margin": Pair.margin.is_not(None),
    "soft_label": Pair.soft_label < 1,
    "curriculum_stage": Pair.curriculum_stage.is_not(None),
}
EVIDENCE = "evidence"


def columns(session: Session, subset: Subset) -> list[str]:
    """The columns of `pairs` that say something about a kept pair."""
    query = (
        select(*(func.coalesce(func.bool_or(says), False) for says in TELLING.values()))
        .select_from(SubsetItem)
        .join(Pair, (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id))
        .where(SubsetItem.subset_id == subset.id, SubsetItem.rank.is_not(None))
    )
    told = session.execute(query).one()
    return [name for name, says in zip(TELLING, told, strict=True) if says]


def evidence_columns(session: Session, subset: Subset) -> list[str]:
    """`evidence` where a kept pair rests on a user's own words."""
    cited = (
        select(SubsetItem.pair_id)
        .join(Pair, (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id))
        .where(SubsetItem.subset_id == subset.id, SubsetItem.rank.is_not(None))
        .where(Pair.evidence.is_not(None))
    )
    return [EVIDENCE] if session.scalar(select(cited.exists())) else []


def values(pair: Pair, names: list[str]) -> dict[str, float | str | None]:
    told: dict[str, float | str | None] = {
        name: getattr(pair, name) for name in names if name in TELLING
    }
    if EVIDENCE in names:
        said = None if pair.evidence is None else orjson.dumps(pair.evidence).decode()
        told[EVIDENCE] = said
    return told


def builds(session: Session, subset: Subset) -> tuple[dict[str, Any], ...]:
    """The policies that built kept pairs, with how many; an ingest's own pairs are not listed."""
    query = (
        select(PairBuild.policy, PairBuild.policy_sha256, func.count())
        .select_from(SubsetItem)
        .join(Pair, (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id))
        .join(PairBuild, PairBuild.id == Pair.build_id)
        .where(SubsetItem.subset_id == subset.id, SubsetItem.rank.is_not(None))
        .group_by(PairBuild.id)
        .order_by(PairBuild.ordinal)
    )
    return tuple(
        {"policy": policy, "sha256": sha256, "kept": kept}
        for policy, sha256, kept in session.execute(query)
    )
