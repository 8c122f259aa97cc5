"""Audits of a dataset's labels: ask for one, look at what it found, download its files."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import cast, select, tuple_

from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Conflict
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.exports import MEDIA_TYPES, SANDBOX, FileOut, chunks
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut
from service.routes.owned import owned
from service.tables.audits import Audit
from service.tables.jobs import Job, JobKind

router = APIRouter(prefix="/api/v1", tags=["audits"], route_class=IdempotentRoute)

MAX_ANCHORS = 100_000


class AnchorIn(BaseModel):
    """A verified answer. Response ids are the input's own; "chosen" and "rejected" where a layout
    has no others. Without an id of its own a record's id is its line."""

    model_config = ConfigDict(extra="forbid")

    record_id: str = Field(examples=["17"])
    better: str = Field(examples=["rejected"])
    worse: str = Field(examples=["chosen"])


class AuditIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"anchors": 30, "seed": 0, "embed": True}]}
    )

    anchors: (
        Literal["all"]
        | Annotated[int, Field(ge=0)]
        | Annotated[list[AnchorIn], Field(max_length=MAX_ANCHORS)]
    ) = Field(
        default="all",
        description="verified answers that a model may see: every `gold` of the dataset, a number "
        "of random ones, or these. The rest of the gold is hidden, and only scores the result",
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="of everything random")
    embed: bool = Field(
        default=True, description="judge texts by embeddings, too: slower, and stronger"
    )


DEFAULTS = AuditIn()


class LikelyWrong(BaseModel):
    labels: int | None = Field(description="null where nothing identifies how many")
    of: int = Field(description="labels that can be right or wrong: no ties, nothing verified")
    why: str | None = Field(description="why the number is withheld")


class SummaryOut(BaseModel):
    """The report without texts and names; the whole of it is report.json."""

    model_config = ConfigDict(extra="allow")

    records: int
    rejected: int = Field(description="lines that could not be read")
    pairs: int = Field(description="rows of pairs.parquet")
    method: str = Field(examples=["anchored"])
    anchors: int = Field(description="verified answers that a model saw")
    likely_wrong: LikelyWrong
    refusals: list[str] = Field(description="what the data can't tell")
    warnings: list[str]
    actions: dict[str, int] = Field(examples=[{"keep": 200, "review": 20}])


class AuditOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID
    job_id: uuid.UUID | None
    options: dict[str, Any]
    state: str = Field(
        examples=["ready"],
        description="pending, ready, failed, or erased: it had read what was erased since",
    )
    summary: SummaryOut | None
    files: dict[str, FileOut] | None
    created_at: datetime


class AuditCreated(BaseModel):
    audit: AuditOut
    job: JobOut


def owned_audit(audit_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Audit:
    return owned(session, workspace, Audit, audit_id)


AuditDep = Annotated[Audit, Depends(owned_audit, scope="function")]


@router.post("/datasets/{dataset_id}/audits", status_code=202, response_model=AuditCreated)
def create_audit(
    dataset: DatasetDep, session: SessionDep, body: AuditIn = DEFAULTS
) -> dict[str, Any]:
    """Say what the labels are worth: how many are likely wrong, whom to believe, what to look at.

    No label is changed. The files are those that `prefsift audit` writes of the uploaded files.
    """
    audit = Audit(
        id=uuid.uuid4(), dataset_id=dataset.id, options=body.model_dump(mode="json")
    )  # fmt: skip
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.audit,
        spec={"audit_id": str(audit.id)},
        stages=["audit"],
    )
    enqueue(session, job)
    audit.job_id = job.id
    session.add(audit)
    session.flush()
    session.refresh(audit)
    return {"audit": audit, "job": job}


@router.get("/datasets/{dataset_id}/audits", response_model=Page[AuditOut])
def list_audits(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """The newest first."""
    query, scope = select(Audit).where(Audit.dataset_id == dataset.id), f"audits:{dataset.id}"
    if (after := decode_cursor(scope, cursor)) is not None:
        last = tuple_(cast(after[0], Audit.created_at.type), cast(after[1], Audit.id.type))
        query = query.where(tuple_(Audit.created_at, Audit.id) < last)
    query = query.order_by(Audit.created_at.desc(), Audit.id.desc()).limit(limit + 1)
    return page_of(session.scalars(query).all(), limit, scope, "page_key")


@router.get("/audits/{audit_id}", response_model=AuditOut)
def read_audit(audit: AuditDep) -> Audit:
    return audit


@router.get("/audits/{audit_id}/report.json", response_class=Response)
def download_report(audit: AuditDep) -> StreamingResponse:
    """Everything that was found, as numbers (docs/audit.md)."""
    return sent(audit, "report.json")


@router.get("/audits/{audit_id}/report.html", response_class=Response)
def download_page(audit: AuditDep) -> StreamingResponse:
    """The report as one page with plots, without scripts."""
    return sent(audit, "report.html")


@router.get("/audits/{audit_id}/pairs.parquet", response_class=Response)
def download_pairs(audit: AuditDep) -> StreamingResponse:
    """A row a pair: its label, P(a better), P(the label is right), an action and witnesses."""
    return sent(audit, "pairs.parquet")


def sent(audit: Audit, name: str) -> StreamingResponse:
    if audit.state != "ready" or audit.files is None:
        raise Conflict(f"audit {audit.id} is {audit.state}, not ready", code="audit_not_ready")
    found = audit.files[name]
    headers = {**SANDBOX, "Content-Length": str(found["bytes"]), "ETag": f'"{found["sha256"]}"'}
    return StreamingResponse(
        chunks(found["key"]), 200, headers, MEDIA_TYPES[name[name.rindex(".") :]]
    )
