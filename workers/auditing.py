"""The audit job: what the labels of a dataset are worth, as `prefsift audit` says of files."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.signals.embedding import Embedding
from service import files
from service.audit.anchors import BadAnchor, of_row
from service.audit.report import summary
from service.audit.run import Wanted, judge, rendered
from service.audit.stored import collected, erasures
from service.audit.vectors import stored_first
from service.errors import Invalid
from service.ingest.store import hold_dataset
from service.review import state
from service.review.places import Places
from service.tables.audits import Audit
from service.tables.items import Record
from service.tables.jobs import Job, JobKind
from workers.embedding import queue_of
from workers.handler import Handler, ShardPlan, Work


class Found(NamedTuple):
    uploads: list[str]
    report: dict[str, Any]
    contents: dict[str, bytes]


class Auditing(Handler):
    """One shard; a row is a record in one of the steps. The files have the audit's id and their
    hash in their keys, and its row makes them visible: a killed worker leaves strays only."""

    kind = JobKind.audit

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        options = audit_of(session, job).options
        query = select(func.count()).where(Record.dataset_id == job.dataset_id)
        queue = queue_of(Embedding()) if options["embed"] else "cpu"
        return [ShardPlan({}, (session.scalar(query) or 0) * len(steps(options)), queue)]

    def run(self, work: Work) -> None:
        session, audit = work.session, audit_of(work.session, work.job)
        dataset_id, options = audit.dataset_id, dict(audit.options)
        while True:
            hold_dataset(session, dataset_id)
            before = erasures(session, dataset_id)
            found = examined(work, dataset_id, options)
            hold_dataset(session, dataset_id)
            work.report(work.shard.rows_total)  # raises where it was deleted or cancelled meanwhile
            if erasures(session, dataset_id) == before:
                break  # else it has read what nobody may see any more
        audit = audit_of(session, work.job)
        audit.uploads, audit.summary = found.uploads, summary(found.report)
        audit.files = {name: store(audit.id, each) for name, each in found.contents.items()}
        audit.state = "ready"

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        audit = audit_of(session, job)
        said = audit.summary or {}
        return {"audit_id": str(audit.id), "pairs": said["pairs"], "actions": said["actions"]}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        audit_of(session, job).state = "failed"


def audit_of(session: Session, job: Job) -> Audit:
    return session.get_one(Audit, uuid.UUID(job.spec["audit_id"]))


def steps(options: Mapping[str, Any]) -> Sequence[str]:
    """As the audit tells of them, each about as long for every record."""
    return ("reading", "embedding", "judging") if options["embed"] else ("reading", "judging")


def examined(work: Work, dataset_id: uuid.UUID, options: Mapping[str, Any]) -> Found:
    """Raises Invalid for anchors that name no pair."""
    places = Places()
    collector, uploads = collected(work.session, dataset_id, work.report, places.add)
    work.checkpoint(0)  # the rest takes minutes, and no transaction
    records, order = collector.collected.records, steps(options)

    def progress(step: str, share: float) -> None:
        work.report(int((order.index(step) + share) * records))

    have = stored_first(work.session, work.job.workspace_id, lambda: work.checkpoint(0))
    try:
        found = judge(
            collector, anchors=wanted(options["anchors"]), seed=options["seed"],
            embed=options["embed"], progress=progress,
            vectors_of=have,
        )  # fmt: skip
    except BadAnchor as error:
        raise Invalid(str(error), code="bad_anchors", field="anchors") from error
    said, contents = rendered(found)
    return Found(uploads, said, contents | {state.NAME: state.dump(found, places)})


def wanted(given: Any) -> Wanted:
    if isinstance(given, list):
        rows: list[dict[str, Any]] = given
        return [of_row(row, f"anchor {number}") for number, row in enumerate(rows, 1)]
    return given


def store(audit_id: uuid.UUID, content: bytes) -> dict[str, Any]:
    incoming = files.Incoming()
    incoming.write(content)
    sha256 = incoming.digest.hexdigest()
    key = files.audit_key(audit_id, sha256)
    incoming.keep(key)
    return {"key": key, "sha256": sha256, "bytes": incoming.size}
