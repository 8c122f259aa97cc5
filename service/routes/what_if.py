"""What a threshold of a score would keep: rows, tokens, money, noise, at all thresholds at once."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from curation.thresholds.sweep import Side
from service.db import SessionDep
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut, job_out
from service.tables.jobs import Job
from service.viewer.snapshots import snapshot_of
from service.what_if.answering import answered
from service.what_if.asked import Given, Numbers, checked
from service.what_if.stored import FORMAT, told_or_job

router = APIRouter(prefix="/api/v1", tags=["what-if"], route_class=IdempotentRoute)

MOST = 1000  # thresholds of a field
Fields = Annotated[
    str | None,
    Query(
        max_length=200, examples=["reward_margin.p_correct"],
        description="a number of the pairs: an output of a signal, chosen.length, votes, …",
    ),
]  # fmt: skip
Thresholds = Annotated[
    list[float], Query(max_length=MOST, description="repeatable; else in equal steps of kept rows")
]
Keep = Annotated[Side, Query(description="high: values >= the threshold; low: <= it")]


class AxisOut(BaseModel):
    field: str
    keep: Literal["high", "low"]


class KeptOut(BaseModel):
    """Of some pairs. Means are null where no pair has the value."""

    rows: int
    share: float = Field(description="of all rows, 0..1")
    tokens: int = Field(description="estimated: see `tokens` of the answer")
    cost: float | None = Field(description="dollars, where a price was given")
    saved: float | None = Field(description="dollars less than all rows cost")
    noise: float | None = Field(description="estimated share of wrong labels, 0..1; see `noise`")
    doubt: float | None = Field(
        description="mean of 1 - p_correct: how often another label would disagree, 0..1"
    )
    judged: int = Field(description="rows that have a p_correct")
    margin: float | None = Field(description="mean of the field named by `margin`")
    longer: float | None = Field(
        description="share of pairs whose chosen response has more characters, ties left out"
    )
    sources: dict[str, int] = Field(description="rows by source; at most 8 are named")


class PointOut(KeptOut):
    at: float
    and_at: float | None = Field(description="of the second field")
    rows_least: int = Field(description="the rows are at least so many, exactly counted")
    rows_most: int = Field(description="and at most so many; equal: exact")


class ErrorOut(BaseModel):
    rows: int = Field(description="no count of rows is off by more")
    share: float = Field(description="the same of all rows", examples=[0.00098])
    bins: list[int] = Field(description="of each field")


class NoiseOut(BaseModel):
    field: str | None = Field(examples=["reward_margin.p_correct"])
    rate: float | None = Field(description="of wrong labels among all, 0..0.5", examples=[0.2])
    given: bool | None = Field(
        description="the rate is the request's; else the largest that the field leaves room for"
    )
    meaning: str | None = Field(description="of `noise`")
    doubt: str | None = Field(description="the meaning of `doubt`")
    reason: str | None = Field(description="why `noise` is null")


class WhatIfOut(BaseModel):
    """Either the answer, or the job that makes the sketch: ask again when it has ended."""

    job: JobOut | None = Field(default=None, description="where there is no sketch yet")
    by: list[AxisOut] = Field(default_factory=list[AxisOut])
    rows: int = Field(default=0, description="pairs of the dataset")
    missing: int = Field(default=0, description="pairs without a value, which none keeps")
    error: ErrorOut | None = None
    noise: NoiseOut | None = None
    margin: str | None = Field(default=None, description="whose mean `margin` is")
    tokens: str | None = Field(default=None, description="how they were counted")
    cost: str | None = Field(default=None, description="the price")
    all: KeptOut | None = Field(default=None, description="of all pairs")
    points: list[PointOut] = Field(
        default_factory=list[PointOut],
        description="one a threshold; of two fields one a combination, the second going first",
    )


@router.get(
    "/datasets/{dataset_id}/what-if",
    response_model=WhatIfOut,
    responses={
        202: {"model": WhatIfOut, "description": "a job makes the sketch"},
        304: {"description": "the answer with this ETag still holds"},
    },
)
def what_if(
    dataset: DatasetDep,
    session: SessionDep,
    response: Response,
    by: Fields = None,
    also: Annotated[Fields, Query(alias="and")] = None,
    keep: Keep = "high",
    also_keep: Annotated[Keep, Query(alias="and_keep")] = "high",
    at: Thresholds = [],  # noqa: B006  FastAPI copies it
    also_at: Annotated[Thresholds, Query(alias="and_at")] = [],  # noqa: B006
    points: Annotated[int | None, Query(ge=1, le=MOST, description="of each field")] = None,
    cost: Annotated[
        str | None, Query(max_length=100, examples=["$2 per 1M tokens"], description="a price")
    ] = None,
    noise: Annotated[
        str | None, Query(max_length=200, description="the p_correct that it is estimated by")
    ] = None,
    rate: Annotated[
        float | None,
        Query(
            ge=0, le=0.49, description="of wrong labels among all; else the largest there can be"
        ),
    ] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Any:
    """Keep only pairs with `by` at or above a threshold, and `and` at or above another: how many
    rows, tokens and dollars stay, how noisy, how biased by length, from which sources?

    Answered from a sketch of 1,024 bins of equal mass, which a job makes when it is first asked
    for, and again when the dataset or its scores have changed.
    """
    snapshot = snapshot_of(session, dataset.id)
    given = Given(by, also, keep, also_keep, at, also_at, points, cost, noise, rate)
    asked = checked(Numbers.of(snapshot), given)
    found = told_or_job(session, dataset, snapshot, asked.fields)
    if isinstance(found, Job):
        response.status_code = 202
        return {"job": job_out(session, found)}
    named = f"{FORMAT} {snapshot.version} {asked}"
    etag = f'W/"{hashlib.sha256(named.encode()).hexdigest()[:24]}"'
    if if_none_match is not None and etag in [each.strip() for each in if_none_match.split(",")]:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return answered(found, asked)
