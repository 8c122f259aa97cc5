"""Pair builds: preview a policy, build its pairs, list and remove what was built."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from curation.misfits import nearest
from curation.pairing import POLICIES, AnyPolicy, PairPolicy
from service.db import SessionDep
from service.errors import Conflict, Invalid, NotFound
from service.intake.take import held
from service.labels.default_policy import Choice, default_policy
from service.labels.known_aspects import refuse_unknown_aspects
from service.labels.pair_builds import add_build, labels_sha256, preview
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut
from service.tables.datasets import Dataset
from service.tables.jobs import FINAL_STATES, Job, JobKind
from service.tables.pairs import Pair, PairBuild
from service.tables.subsets import Subset, SubsetItem

router = APIRouter(prefix="/api/v1", tags=["pair builds"], route_class=IdempotentRoute)

PREVIEWED = 20_000  # prompts


def given_as(value: object) -> str:
    """So that an error names the field of the policy, not every form that it could have had."""
    return "id" if isinstance(value, str) else "whole"


NamedOrWhole = Annotated[
    Annotated[str, Tag("id")] | Annotated[AnyPolicy, Tag("whole")], Discriminator(given_as)
]


class PairBuildIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"policy": {"kind": "best_vs_worst", "min_gap": 1}, "preview": True}]
        },
    )

    policy: NamedOrWhole | None = Field(
        default=None,
        description="the id of a known policy, or a whole policy; left out: one for the labels",
    )
    preview: bool = Field(default=False, description="only say what would be built")
    dry_run: bool = Field(default=False, description="the same as `preview`")
    preview_prompts: int = Field(
        default=PREVIEWED, ge=1, le=1_000_000, description="a preview looks at this many at most"
    )


class BinOut(BaseModel):
    """low <= value < high; the last one with its end. One value where low equals high."""

    low: float
    high: float
    pairs: int


class AnswerOut(BaseModel):
    text: str = Field(description="its first 2,000 characters; the URI of a medium")
    model: str | None


class ExampleOut(BaseModel):
    prompt: list[Any]
    chosen: AnswerOut
    rejected: AnswerOut
    margin: float | None
    votes: int
    agreement: float
    soft_label: float | None
    curriculum_stage: int | None
    evidence: dict[str, Any] | None = None


class ReportOut(BaseModel):
    prompts: int = Field(description="prompts looked at")
    prompts_paired: int = Field(description="of them with at least one pair")
    pairs: int
    ties: int = Field(description="pairs and responses that their labels do not decide")
    skipped: dict[str, int] = Field(
        description="how often something else spoke against a pair", examples=[{"equal_texts": 3}]
    )
    stages: dict[str, int] = Field(description="pairs by curriculum stage")
    margins: list[BinOut]
    lengths: dict[str, list[BinOut]] = Field(description="characters of each side, in doublings")
    examples: list[ExampleOut]
    measured: dict[str, float] | None = Field(
        default=None, description="what a policy counted that reads conversations"
    )
    complete: bool = Field(description="false: the preview looked at a uniform sample of prompts")
    added: int | None = Field(default=None, description="pairs that were not there yet")
    already_there: int | None = Field(
        default=None, description="pairs that an earlier build of this policy had made"
    )


class PairBuildOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID
    job_id: uuid.UUID | None
    ordinal: int
    policy: dict[str, Any]
    policy_sha256: str
    state: str = Field(description="pending, ready or failed", examples=["ready"])
    report: ReportOut | None
    created_at: datetime


class PairBuildDetail(PairBuildOut):
    pairs: int = Field(description="pairs that belong to it now: a later build may take them over")


class PairBuildCreated(BaseModel):
    build: PairBuildOut
    job: JobOut
    why: str | None = Field(description="why this policy, where none was named")


class PairPreview(BaseModel):
    policy: dict[str, Any]
    policy_sha256: str
    why: str | None
    report: ReportOut


def build_of_dataset(build_id: uuid.UUID, dataset: DatasetDep, session: SessionDep) -> PairBuild:
    found = session.scalar(
        select(PairBuild).where(PairBuild.id == build_id, PairBuild.dataset_id == dataset.id)
    )
    if found is None:
        raise NotFound(f"no pair build {build_id} in this dataset")
    return found


BuildDep = Annotated[PairBuild, Depends(build_of_dataset, scope="function")]


def chosen_policy(session: Session, dataset: Dataset, given: str | PairPolicy | None) -> Choice:
    """Never a file of the server: a request can't name a path."""
    if given is None:
        return default_policy(session, dataset.id)
    if isinstance(given, PairPolicy):
        return Choice(given, "")
    if given not in POLICIES:
        known = sorted(POLICIES)
        detail = f"there is no pair policy {given!r}; {nearest(given, known)}"
        raise Invalid(detail, code="unknown_policy", known=known)
    return Choice(POLICIES[given], "")


@router.post(
    "/datasets/{dataset_id}/pair-builds",
    status_code=202,
    responses={200: {"model": PairPreview | PairBuildCreated}},
    response_model=PairPreview | PairBuildCreated,
)
def create_build(
    body: PairBuildIn, dataset: DatasetDep, session: SessionDep, response: Response
) -> dict[str, Any]:
    """Build pairs by a policy, or with `preview` say what it would build (200, nothing written).

    The same policy over the same labels again: 200 with the first build.
    """
    policy, why = chosen_policy(session, dataset, body.policy)
    refuse_unknown_aspects(session, dataset.id, policy)
    described = {
        "policy": policy.model_dump(mode="json"), "policy_sha256": policy.sha256(),
    }  # fmt: skip
    if body.preview or body.dry_run:
        response.status_code = 200
        report = preview(session, dataset.id, policy, body.preview_prompts)
        return {**described, "why": why or None, "report": report}
    held(session, dataset.id)
    labels = labels_sha256(session, dataset.id)
    newest = newest_build(session, dataset.id, policy)
    if newest is not None and newest[0].labels_sha256 == labels:
        response.status_code = 200
        return {"build": newest[0], "job": newest[1], "why": why or None}
    build, job = new_build(session, dataset, described, labels)
    return {"build": build, "job": job, "why": why or None}


def newest_build(
    session: Session, dataset_id: uuid.UUID, policy: PairPolicy
) -> tuple[PairBuild, Job] | None:
    """With its job, where that has done its work or still will."""
    row = session.execute(
        select(PairBuild, Job)
        .join(Job, Job.id == PairBuild.job_id)
        .where(PairBuild.dataset_id == dataset_id, PairBuild.policy_sha256 == policy.sha256())
        .order_by(PairBuild.ordinal.desc())
        .limit(1)
    ).first()
    if row is None or (row[0].state != "ready" and row[1].state in FINAL_STATES):
        return None
    return row[0], row[1]


def new_build(
    session: Session, dataset: Dataset, described: dict[str, Any], labels: str
) -> tuple[PairBuild, Job]:
    build = add_build(session, dataset.id, described, labels)
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.pair_build,
        spec={"build_id": str(build.id)},
        stages=["pairs"],
    )
    enqueue(session, job)
    build.job_id = job.id
    session.flush()
    session.refresh(build)
    return build, job


@router.get("/datasets/{dataset_id}/pair-builds", response_model=Page[PairBuildOut])
def list_builds(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """In the order they were asked for."""
    scope = f"builds:{dataset.id}"
    query = select(PairBuild).where(PairBuild.dataset_id == dataset.id).order_by(PairBuild.ordinal)
    if (after := decode_cursor(scope, cursor)) is not None:
        query = query.where(PairBuild.ordinal > int(after))
    return page_of(session.scalars(query.limit(limit + 1)).all(), limit, scope, "ordinal")


@router.get("/datasets/{dataset_id}/pair-builds/{build_id}", response_model=PairBuildDetail)
def read_build(build: BuildDep, session: SessionDep) -> dict[str, Any]:
    pairs = session.scalar(select(func.count()).where(Pair.build_id == build.id))
    return {**PairBuildOut.model_validate(build).model_dump(), "pairs": pairs or 0}


@router.delete("/datasets/{dataset_id}/pair-builds/{build_id}", status_code=204)
def delete_build(build: BuildDep, session: SessionDep) -> None:
    """Remove a build with its pairs; 409 while a subset was selected from them."""
    job = session.get(Job, build.job_id) if build.job_id else None
    if build.state == "pending" and job is not None and job.state not in FINAL_STATES:
        raise Conflict(f"pair build {build.id} is still running", code="build_running")
    uses = exists().where(
        SubsetItem.subset_id == Subset.id,
        SubsetItem.pair_id == Pair.id,
        Pair.build_id == build.id,
    )
    used = select(Subset.id).where(Subset.dataset_id == build.dataset_id, uses)
    subsets = sorted(str(id) for id in session.scalars(used))
    if subsets:
        detail = f"{len(subsets)} subsets were selected from its pairs"
        raise Conflict(detail, code="build_in_use", subsets=subsets)
    session.execute(delete(PairBuild).where(PairBuild.id == build.id))
