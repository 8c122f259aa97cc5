"""Imports: files of a Hugging Face dataset, or of a URL, as uploads."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.db import SessionDep
from service.errors import Invalid
from service.formats import FORMATS
from service.intake.public_urls import check_url
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut, job_out
from service.tables.jobs import Job, JobKind

router = APIRouter(prefix="/api/v1", tags=["uploads"], route_class=IdempotentRoute)

RepoId = Annotated[
    str, StringConstraints(max_length=96, pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
]
Part = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][\w.-]*$")]
Revision = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][\w./-]*$")]


class ReadAs(BaseModel):
    """How to read each file; as for an upload."""

    model_config = ConfigDict(extra="forbid")

    layout: str | None = Field(default=None, description="one of GET /formats; else recognised")
    mapping: dict[str, str] | None = Field(
        default=None, description="a layout's column -> the file's column that holds it"
    )
    mode: Literal["partial", "atomic"] = "partial"
    on_nul: Literal["reject", "replace"] = "reject"


class HubImport(ReadAs):
    """The Parquet and JSONL files of a dataset on the hub (HF_ENDPOINT, HF_TOKEN)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"repo_id": "Anthropic/hh-rlhf", "split": "test"}]}
    )

    repo_id: RepoId
    config: Part | None = Field(default=None, description="a configuration, or a folder")
    split: Part | None = Field(default=None, description="all if left out")
    revision: Revision | None = Field(default=None, description="branch, tag or commit")


class UrlImport(ReadAs):
    """One file at a public address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://example.org/pairs.jsonl"}]}
    )

    url: str = Field(max_length=2000, description="http or https; no private address")


@router.post("/datasets/{dataset_id}/imports", status_code=202)
def create_import(
    dataset: DatasetDep, session: SessionDep, body: Annotated[HubImport | UrlImport, Body()]
) -> JobOut:
    """Fetch files from elsewhere. The job's result names the uploads and their ingest jobs.

    Nothing that a repository holds is run: its files are read as data, like any upload.
    """
    if body.layout is not None and body.layout not in FORMATS:
        known = ", ".join(FORMATS)
        raise Invalid(f"no layout {body.layout!r}; known: {known}", code="unknown_layout")
    if isinstance(body, UrlImport):
        check_url(body.url)
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.fetch,
        spec=body.model_dump(mode="json"),
        stages=["fetch"],
    )
    enqueue(session, job)
    session.flush()
    session.refresh(job)
    return job_out(session, job)
