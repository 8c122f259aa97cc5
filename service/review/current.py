"""Which audit is reviewed, and what it says once the verdicts are counted in."""

import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.audit.posterior import Posterior
from curation.consensus.anchored import FIXED_RIDGE
from curation.review.nearby import reviewed_nearby
from curation.review.update import Reviewed, reviewed
from curation.review.verdicts import Overlay
from service.errors import Conflict, NotFound
from service.review.state import NAME, State, load
from service.review.verdicts import history, newest, overlay_of
from service.tables.audits import Audit
from service.tables.reviews import Verdict

LARGE, LARGE_VOTES = 5_000, 50_000  # pairs, and votes, that one request can't judge again


class Review(NamedTuple):
    """An audit and the verdicts up to a version."""

    audit: Audit
    state: State
    version: int
    verdicts: Sequence[Verdict]
    now: Reviewed


def audit_of(session: Session, dataset_id: uuid.UUID, audit_id: uuid.UUID | None = None) -> Audit:
    """The one of this id, else the latest ready one. Raises NotFound, or Conflict: `no_audit`,
    `audit_erased`, `audit_not_ready`."""
    audits = select(Audit).where(Audit.dataset_id == dataset_id)
    if audit_id is not None:
        found = session.scalar(audits.where(Audit.id == audit_id))
        if found is None:
            raise NotFound(f"no audit {audit_id} of this dataset")
        if found.state == "erased":
            raise erased(f"audit {audit_id}")
        if found.state != "ready":
            raise Conflict(f"audit {audit_id} is {found.state}", code="audit_not_ready")
        return found
    latest = audits.order_by(Audit.created_at.desc(), Audit.id.desc()).limit(1)
    found = session.scalar(latest.where(Audit.state == "ready"))
    if found is None:
        if session.scalar(latest.where(Audit.state == "erased")) is not None:
            raise erased("the dataset's audit")
        detail = (
            "the dataset has no audit that is ready: `prefsift audit --dataset NAME --out DIR`, or "
            "POST /datasets/{id}/audits, first"
        )
        raise Conflict(detail, code="no_audit")
    return found


def audit_with(session: Session, dataset_id: uuid.UUID, pairs_sha256: str) -> Audit:
    """A ready audit that found exactly this. Raises Conflict `no_such_audit`."""
    found = session.scalars(
        select(Audit)
        .where(Audit.dataset_id == dataset_id, Audit.state == "ready")
        .where(Audit.files["pairs.parquet"]["sha256"].astext == pairs_sha256)
        .order_by(Audit.created_at)
    ).first()
    if found is None:
        detail = "no audit of the dataset found what the labels of the manifest are of: audit again"
        raise Conflict(detail, code="no_such_audit")
    return found


def erased(which: str) -> Conflict:
    detail = f"{which} had read what was erased since, and is gone: audit again"
    return Conflict(detail, code="audit_erased")


def key_of(audit: Audit) -> str:
    found = (audit.files or {}).get(NAME)
    if found is None:
        detail = f"audit {audit.id} is of before reviews: audit again"
        raise Conflict(detail, code="audit_without_review")
    return found["key"]


def review_of(
    session: Session,
    dataset_id: uuid.UUID,
    audit_id: uuid.UUID | None = None,
    version: int | None = None,
) -> Review:
    """At this version of the verdicts, else at the newest. Raises as `audit_of` does, and NotFound
    for a version that is still to come."""
    audit = audit_of(session, dataset_id, audit_id)
    last = newest(session, dataset_id)
    if version is not None and version > last:
        raise NotFound(f"the verdicts are at version {last}, not {version}")
    version = last if version is None else version
    key = key_of(audit)
    state, verdicts = load(key), history(session, dataset_id, version)
    return Review(audit, state, version, verdicts, computed(key, overlay_of(state, verdicts)))


@lru_cache(maxsize=8)
def computed(key: str, overlay: Overlay) -> Reviewed:
    """A function of the audit's file and of the verdicts in force."""
    state = load(key)
    ridge = state.ridge or FIXED_RIDGE
    if len(state) > LARGE or len(state.questions.votes.votes) > LARGE_VOTES:
        start = Posterior(state.p_a, state.method, state.reliability, {})
        accuracy = state.content.accuracy
        return reviewed_nearby(state.questions, accuracy, state.anchors, overlay, start, ridge)
    return reviewed(state.questions, state.content, state.anchors, overlay, ridge)
