"""What was asked for on the way to an export, so that it can be asked for again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.composing.asked import extras
from service.tables.jobs import Job, JobKind, JobState
from service.tables.pairs import PairBuild
from service.tables.subsets import Subset

# A manifest says the splits by themselves, and of an audit what is in it.
SAID_ELSEWHERE = ("split_exceptions", "labels_audit", "labels_sha256")


def of(session: Session, subset: Subset, options: Mapping[str, Any]) -> dict[str, Any]:
    """All pair builds of the dataset in their order, the evaluation, and the export's options.

    `evaluate` is null where the subset was not evaluated. `subset`: what it was asked for besides
    recipe, budget and seed, only where there is any.
    """
    builds = (
        select(PairBuild.policy)
        .where(PairBuild.dataset_id == subset.dataset_id, PairBuild.state == "ready")
        .order_by(PairBuild.ordinal)
    )
    evaluated = (
        select(Job.spec)
        .where(Job.dataset_id == subset.dataset_id, Job.kind == JobKind.evaluate)
        .where(Job.state == JobState.succeeded)
        .where(Job.spec["subset_id"].astext == str(subset.id))
        .order_by(Job.finished_at.desc())
    )
    spec = session.scalars(evaluated.limit(1)).first() if subset.evaluation else None
    names = ("splits", "draws", "by", "curve")
    composed = {**extras(subset), **({"tags": subset.tags} if subset.tags else {})}
    return {
        **({"subset": composed} if composed else {}),
        "pair_builds": [*session.scalars(builds)],
        "evaluate": None if spec is None else {k: spec[k] for k in names if k in spec},
        "options": {k: v for k, v in sorted(options.items()) if k not in SAID_ELSEWHERE},
    }
