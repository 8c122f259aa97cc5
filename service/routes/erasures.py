"""Sources that leave a dataset: withdrawn and restored, or erased for good."""

import uuid
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Conflict, NotFound
from service.ingest import identity
from service.labels.erasure import restore, touched_by, withdraw
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut
from service.routes.uploads import UploadDep, UploadOut, upload_out
from service.tables.datasets import Dataset, Upload, UploadState
from service.tables.erasures import Erasure
from service.tables.jobs import Job, JobKind
from service.tables.labels import Annotator

router = APIRouter(prefix="/api/v1", tags=["erasures"], route_class=IdempotentRoute)


class AnnotatorIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(examples=["worker-17"])
    kind: Literal["human", "model", "rule"] = "human"


class ErasureIn(BaseModel):
    """What to erase: an upload, or an annotator."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"annotator": {"name": "worker-17"}, "dry_run": True}]},
    )

    upload_id: uuid.UUID | None = None
    annotator: AnnotatorIn | None = None
    exports: Literal["delete", "keep"] = Field(
        default="delete", description="the files of exports that hold some of it"
    )
    dry_run: bool = Field(default=False, description="only say what would be touched")

    @model_validator(mode="after")
    def one_source(self) -> "ErasureIn":
        if (self.upload_id is None) == (self.annotator is None):
            raise ValueError("name either upload_id or annotator")
        return self


class SubsetTouched(BaseModel):
    id: uuid.UUID
    pairs: int = Field(description="pairs of it that the subset had kept")


class ExportTouched(BaseModel):
    id: uuid.UUID
    subset_id: uuid.UUID | None


class Touched(BaseModel):
    subsets: list[SubsetTouched]
    exports: list[ExportTouched]


class ErasureOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID | None = Field(description="null for a dry run")
    job_id: uuid.UUID | None
    source: Literal["upload", "annotator"]
    source_id: uuid.UUID
    exports: str
    state: str = Field(examples=["done"], description="dry_run, pending, done or failed")
    erased: dict[str, int] | None = Field(description="rows by table")
    touched: Touched | None
    created_at: datetime | None


class ErasureCreated(BaseModel):
    erasure: ErasureOut
    job: JobOut | None = Field(description="null for a dry run")


class Withdrawn(BaseModel):
    upload: UploadOut
    touched: Touched


class Restored(BaseModel):
    upload: UploadOut
    pairs: int


@router.post("/datasets/{dataset_id}/erasures", status_code=202, response_model=ErasureCreated)
def create_erasure(
    dataset: DatasetDep, session: SessionDep, workspace: WorkspaceDep, body: ErasureIn
) -> dict[str, Any]:
    """Erase an upload or an annotator: labels, items that nobody else names, files, fitted heads.

    The answer to a dry run, and the erasure once it is done, list the subsets and exports that
    had used some of it. Subsets keep their ids and reasons; select again for a clean one.
    """
    source, source_id = source_of(dataset, session, body)
    erasure = Erasure(
        id=uuid.uuid4(), dataset_id=dataset.id, source=source, source_id=source_id,
        exports=body.exports,
    )  # fmt: skip
    if body.dry_run:
        names = ("source", "source_id", "exports")
        shown = {name: getattr(erasure, name) for name in names} | {
            "id": None, "job_id": None, "state": "dry_run", "erased": None, "created_at": None,
            "touched": touched_by(session, erasure),
        }  # fmt: skip
        return {"erasure": shown, "job": None}
    job = Job(
        workspace_id=workspace.id, dataset_id=dataset.id, kind=JobKind.erase,
        spec={"erasure_id": str(erasure.id)}, stages=["erase"],
    )  # fmt: skip
    enqueue(session, job)
    erasure.job_id = job.id
    session.add(erasure)
    session.flush()
    session.refresh(erasure)
    return {"erasure": erasure, "job": job}


def source_of(dataset: Dataset, session: SessionDep, body: ErasureIn) -> tuple[str, uuid.UUID]:
    """(kind, id) of what is to be erased, which must be there."""
    if body.annotator is not None:
        digest = identity.annotator_id(body.annotator.kind, body.annotator.name)
        id = uuid.UUID(bytes=digest)
        if session.get(Annotator, (dataset.id, id)) is None:
            raise NotFound(f"no {body.annotator.kind} annotator {body.annotator.name!r}")
        return "annotator", id
    upload = session.scalar(
        select(Upload).where(Upload.id == body.upload_id, Upload.dataset_id == dataset.id)
    )
    if upload is None or upload.state == UploadState.erased:
        raise NotFound(f"no upload {body.upload_id} in this dataset")
    if upload.state == UploadState.stored:
        raise Conflict("the upload is still being taken", code="upload_not_ready")
    return "upload", upload.id


@router.get("/datasets/{dataset_id}/erasures", response_model=Page[ErasureOut])
def list_erasures(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """What was erased from the dataset, by id."""
    rows = select(Erasure).where(Erasure.dataset_id == dataset.id).order_by(Erasure.id)
    scope = f"erasures:{dataset.id}"
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(Erasure.id > after)
    return page_of(session.scalars(rows.limit(limit + 1)).all(), limit, scope, "id")


@router.post("/uploads/{upload_id}/withdraw", response_model=Withdrawn)
def withdraw_upload(upload: UploadDep, session: SessionDep) -> dict[str, Any]:
    """Take an upload out of everything new; nothing is lost, and restore brings it back."""
    if upload.state != UploadState.ingested:
        raise Conflict(f"the upload is {upload.state}, not ingested", code="upload_not_ready")
    upload = session.get_one(Upload, upload.id)
    found = withdraw(session, upload)
    return {"upload": upload_out(upload), "touched": found}


@router.post("/uploads/{upload_id}/restore", response_model=Restored)
def restore_upload(upload: UploadDep, session: SessionDep) -> dict[str, Any]:
    """Bring a withdrawn upload back: the same labels, and pairs with the same ids."""
    if upload.state != UploadState.withdrawn:
        raise Conflict(f"the upload is {upload.state}, not withdrawn", code="upload_not_withdrawn")
    upload = session.get_one(Upload, upload.id)
    pairs = restore(session, upload)
    return {"upload": upload_out(upload), "pairs": pairs}
