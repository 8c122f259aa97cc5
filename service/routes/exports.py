"""Exports of subsets: make one, look at it, download its files."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from service import files
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Conflict, Invalid, NotFound
from service.export import archive, everything, recipe_columns, record_folder, trainer_folder
from service.export.record_folder import RECORD_LAYOUTS
from service.export.record_relabelling import refuse_without_pairs
from service.export.relabelling import OPTIONS as LABEL_OPTIONS
from service.export.splitting import DEFAULT_BY, TEST_FRACTION, SplitBy
from service.queue import enqueue
from service.review.current import audit_with
from service.review.labels import LabelsOf, labels_of
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut
from service.routes.owned import owned
from service.routes.subsets import SubsetDep
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Export, Subset

router = APIRouter(prefix="/api/v1", tags=["exports"], route_class=IdempotentRoute)

MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".sh": "text/plain; charset=utf-8",
    ".yaml": "application/yaml",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}
# A page made of strangers' texts, served beside the API: no script, and no access to it.
SANDBOX = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


Split: TypeAlias = Literal["train", "test", "left_out"]


class ExportIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"layout": "huggingface", "test_fraction": 0.05}]},
    )

    layout: str = Field(
        default="huggingface",
        description="huggingface, or a trainer's layout: exact columns and what loads them; left "
        "out, what the subset's recipe says",
        examples=["trl_preference"],
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="the layout's own", examples=[{"margin": True}]
    )
    tokenizer: str | None = Field(default=None, description="to count tokens in the preflight")
    max_length: int | None = Field(
        default=None, ge=1, description="tokens; without a tokenizer, characters"
    )
    resample: bool = Field(
        default=False, description="repeat and swap rows by weight and soft label"
    )
    leave_out: bool = Field(
        default=False,
        description="leave out and count what a trainer's layout can't say; pairs: left_out.jsonl",
    )
    test_fraction: float = Field(
        default=TEST_FRACTION, ge=0, le=0.5, description="probability of a group of prompts"
    )
    split_by: tuple[SplitBy, ...] = Field(
        default=DEFAULT_BY,
        description="what no split may part; a prompt never is. A prompt keeps its split",
    )
    split_seed: int = Field(
        default=0,
        ge=0,
        description="another seed is another split; all subsets share one, whatever their seeds",
    )
    labels: LabelsOf = Field(
        default="raw",
        description="raw as uploaded; consensus of the annotators by the latest ready audit; "
        "denoised by its actions and the verdicts of reviews (docs/review.md)",
    )
    labels_version: int | None = Field(
        default=None, ge=0, description="of the verdicts; the newest without"
    )
    labels_audit: uuid.UUID | None = Field(default=None, description="the latest ready one without")
    labels_sha256: str | None = Field(
        default=None,
        description="of a manifest that is replayed: of the audit's pairs.parquet",
    )
    split_exceptions: dict[uuid.UUID, Split] | None = Field(
        default=None,
        description="of a manifest that is replayed: with the rule they say all splits, "
        "nothing that was exported before counts, and nothing is kept",
    )


class DatasetExportIn(ExportIn):
    where: str | dict[str, Any] | None = Field(
        default=None,
        description="a filter over pairs (docs/filters.md); all pairs and records without one",
        examples=["votes >= 3"],
    )


DEFAULTS, WHOLE = ExportIn(), DatasetExportIn()
# What would be taken and not be used, and where it would be.
RECORDS = {name: "layouts of pairs" for name in ("tokenizer", "resample")}
OWN = (*RECORDS, "options", "max_length", "leave_out")
FOLDER = {name: "trainers' layouts" for name in OWN}


class FileOut(BaseModel):
    sha256: str
    bytes: int
    rows: int | None = None


class ExportOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    subset_id: uuid.UUID
    job_id: uuid.UUID | None
    layout: str
    options: dict[str, Any]
    state: str = Field(examples=["ready"])
    rows: int | None
    files: dict[str, FileOut] | None
    created_at: datetime


class ExportCreated(BaseModel):
    export: ExportOut
    job: JobOut


def owned_export(export_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Export:
    return owned(session, workspace, Export, export_id)


ExportDep = Annotated[Export, Depends(owned_export, scope="function")]


@router.post("/subsets/{subset_id}/exports", status_code=202, response_model=ExportCreated)
def create_export(
    subset: SubsetDep,
    session: SessionDep,
    workspace: WorkspaceDep,
    body: ExportIn = DEFAULTS,
) -> dict[str, Any]:
    """Write the subset as a folder: Parquet, card and manifest, or a trainer's exact columns with
    the configuration that loads them. A record layout writes the records that hold its pairs."""
    if "layout" not in body.model_fields_set:
        body = body.model_copy(update=recipe_columns.wish(subset.recipe, body.options))
    check_layout(body)
    if subset.state != "ready":
        raise Conflict(f"subset {subset.id} is {subset.state}, not ready", code="subset_not_ready")
    return start(session, subset, workspace.id, body)


def check_layout(body: ExportIn) -> None:
    """Raises Invalid for an unknown layout, wrong options, or what a layout of its kind can't."""
    if body.layout == "huggingface":
        refuse(body, FOLDER)
        return
    if body.layout in RECORD_LAYOUTS:
        refuse(body, RECORDS)
    names = ("layout", "options", "tokenizer", "max_length", "resample", "leave_out")
    wanted = trainer_folder.Wanted(*(getattr(body, name) for name in names))
    if body.layout not in RECORD_LAYOUTS:
        trainer_folder.layout_of(wanted)
        return
    record_folder.layout_of(wanted)
    if body.labels != "raw":
        refuse_without_pairs(body.layout)


def refuse(body: ExportIn, elsewhere: Mapping[str, str]) -> None:
    """Raises Invalid."""
    for name, where in elsewhere.items():
        if getattr(body, name):
            raise Invalid(f"{name} is for {where}", code="wrong_options", field=name)


def options_of(session: Session, subset: Subset, body: ExportIn) -> dict[str, Any]:
    """As asked for; of other labels than raw ones, the audit and the version that count now."""
    asked = body.model_dump(mode="json", exclude={"layout", "where", *LABEL_OPTIONS})
    if body.labels == "raw":
        return asked
    audit_id, sha256 = body.labels_audit, body.labels_sha256
    if sha256 is not None:
        audit_id = audit_with(session, subset.dataset_id, sha256).id
    found = labels_of(session, subset.dataset_id, body.labels, body.labels_version, audit_id)
    assert found is not None
    version = found.review.version if found.whose == "denoised" else None
    said = {"labels": found.whose, "labels_version": version}
    return {**asked, **said, "labels_audit": str(found.review.audit.id)}


def start(
    session: Session, subset: Subset, workspace_id: uuid.UUID, body: ExportIn
) -> dict[str, Any]:
    export = Export(
        id=uuid.uuid4(),
        subset_id=subset.id,
        layout=body.layout,
        options=options_of(session, subset, body),
    )
    job = Job(
        workspace_id=workspace_id,
        dataset_id=subset.dataset_id,
        kind=JobKind.export,
        spec={
            "export_id": str(export.id),
            "subset_id": str(subset.id),
            **body.model_dump(mode="json"),
        },
        stages=["export"],
    )
    enqueue(session, job)
    export.job_id = job.id
    session.add(export)
    session.flush()
    return {"export": export, "job": job}


@router.post("/datasets/{dataset_id}/exports", status_code=202, response_model=ExportCreated)
def export_dataset(
    dataset: DatasetDep,
    session: SessionDep,
    workspace: WorkspaceDep,
    body: DatasetExportIn = WHOLE,
) -> dict[str, Any]:
    """Write the whole dataset, or what a filter keeps of it, as a folder in any layout.

    The pairs become a subset of the recipe `all`, so that whatever is known of subsets is known of
    them: splits, provenance, erasure. A record layout writes every record, with a filter those that
    hold a pair that it keeps.
    """
    check_layout(body)
    subset = everything.add_subset(session, dataset.id, body.where)
    return start(session, subset, workspace.id, body)


@router.get("/exports/{export_id}", response_model=ExportOut)
def read_export(export: ExportDep) -> Export:
    return export


@router.get("/exports/{export_id}/files/{path:path}", response_class=Response)
def download_file(path: str, export: ExportDep) -> StreamingResponse:
    """One file of a ready export, by its path in the folder."""
    # The path is only a key of what the export wrote: nothing outside can be named with it.
    found = ready_files(export).get(path)
    if found is None:
        raise NotFound(f"export {export.id} has no file {path!r}")
    suffix = path[path.rindex(".") :]
    headers = {**SANDBOX, "Content-Length": str(found["bytes"]), "ETag": f'"{found["sha256"]}"'}
    return StreamingResponse(chunks(found["key"]), 200, headers, MEDIA_TYPES[suffix])


@router.get("/exports/{export_id}/archive", response_class=Response)
def download_archive(export: ExportDep) -> StreamingResponse:
    """The whole folder as one tar file, the same bytes each time."""
    found = ready_files(export)
    headers = {
        "Content-Length": str(archive.size(found)),
        "Content-Disposition": 'attachment; filename="export.tar"',
    }
    return StreamingResponse(
        archive.stream(found, files.open), 200, headers, media_type="application/x-tar"
    )


def ready_files(export: Export) -> dict[str, Any]:
    if export.state != "ready" or export.files is None:
        raise Conflict(f"export {export.id} is {export.state}, not ready", code="export_not_ready")
    return export.files


def chunks(key: str) -> Iterator[bytes]:
    with files.open(key) as file:
        while chunk := file.read(archive.CHUNK):
            yield chunk
