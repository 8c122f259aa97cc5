"""What the pairs of a dataset repeat of a benchmark, with the evidence."""

import uuid
from typing import Any

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import String, and_, cast, func, select

from curation.signals import parse_signal
from curation.signals.contamination import Contamination
from service.cells import signal_row
from service.columns import Generation, load_pairs, load_scores
from service.contamination.evidence import evidence
from service.db import SessionDep
from service.errors import NotFound
from service.paging import CursorQuery, LimitQuery, decode_cursor, encode_cursor
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import SCORE_STAGES, JobOut, job_out
from service.tables.jobs import Job, JobKind
from service.tables.pairs import Pair
from service.tables.scores import Score, SignalRow

router = APIRouter(prefix="/api/v1", tags=["contamination"], route_class=IdempotentRoute)


class ContaminationIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"against": ["a question of the benchmark"], "words": 13}]},
    )

    against: list[str] = Field(
        min_length=1, max_length=50_000, description="texts of benchmarks; the body may have 16 MiB"
    )
    words: int = Field(default=13, ge=5, le=100, description="of an n-gram")
    cosine: float = Field(default=0.9, gt=0, le=1, description="from which vectors count as equal")


class ContaminationJob(BaseModel):
    signal: str = Field(description="identity of the signal: ask for the evidence by it")
    job: JobOut


class EvidenceOut(BaseModel):
    """`ngrams`: characters `start` to `end` of a text are in the item, too. `embedding`: a text of
    the pair and the item have this cosine."""

    pair_id: uuid.UUID
    kind: str = Field(examples=["ngrams"])
    field: str | None = Field(examples=["prompt"])
    start: int | None
    end: int | None
    text: str | None = Field(description="the longest run of words in common")
    ngrams: int | None
    share: float | None = Field(description="of the item's n-grams, 0..1")
    item: int = Field(description="place in `against`, from 0")
    item_text: str
    of: int = Field(description="items that this text repeats; entries are of the 20 nearest")
    cosine: float | None


class EvidencePage(BaseModel):
    """`contaminated` and `pairs` count the whole dataset; a page has some contaminated pairs."""

    pairs: int
    contaminated: int
    items: list[EvidenceOut]
    next_cursor: str | None = None


@router.post(
    "/datasets/{dataset_id}/contamination", status_code=202, response_model=ContaminationJob
)
def look_for(body: ContaminationIn, dataset: DatasetDep, session: SessionDep) -> dict[str, Any]:
    """Compare every pair with the texts of benchmarks, by n-grams and by vectors."""
    signal = Contamination(against=tuple(body.against), words=body.words, cosine=body.cosine)
    signal_row(session, dataset.id, signal)
    job = Job(
        workspace_id=dataset.workspace_id, dataset_id=dataset.id, kind=JobKind.score,
        spec={"signals": [signal.identity()], "refit": False}, stages=SCORE_STAGES,
    )  # fmt: skip
    enqueue(session, job)
    return {"signal": signal.identity(), "job": job_out(session, job)}


@router.get("/datasets/{dataset_id}/contamination", response_model=EvidencePage)
def list_evidence(
    dataset: DatasetDep,
    session: SessionDep,
    signal: str = Query(description="identity, as the POST answered it"),
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """All evidence of at most `limit` contaminated pairs, in the order of their ids."""
    row = session.scalar(
        select(SignalRow).where(
            SignalRow.dataset_id == dataset.id, SignalRow.identity == signal,
            SignalRow.kind == "contamination",
        )
    )  # fmt: skip
    if row is None:
        raise NotFound(f"no contamination {signal[:80]!r} was looked for in this dataset")
    looked_for = parse_signal(row.spec)
    assert isinstance(looked_for, Contamination)
    own = select(Score.item_id).where(
        Score.signal_id == row.id, Score.output == "clean", Score.value.is_not(None)
    )
    still_here = (
        select(func.count(), func.count().filter(Score.value == 0))
        .join(Pair, and_(Pair.dataset_id == dataset.id, Pair.id == Score.item_id))
        .where(Score.signal_id == row.id, Score.output == "clean", Score.value.is_not(None))
    )  # a pair that left the dataset leaves its cell
    looked_at, repeated = session.execute(still_here).one()
    flagged = own.with_only_columns(cast(Score.item_id, String)).where(Score.value == 0)
    flagged = flagged.join(Pair, and_(Pair.dataset_id == dataset.id, Pair.id == Score.item_id))
    scope = f"contamination {row.id}"
    if (after := decode_cursor(scope, cursor)) is not None:
        flagged = flagged.where(Score.item_id > uuid.UUID(after))
    ids = list(session.scalars(flagged.order_by(Score.item_id).limit(limit + 1)))
    pairs = load_pairs(session, dataset.id, ids[:limit])
    pairs = pairs.take(np.argsort(np.array(pairs.ids, np.str_)))
    scores = [
        load_scores(session, Generation(row.id, None, name), pairs.ids, few=True)
        for name in ("cosine", "nearest")
    ]
    items = [*evidence(looked_for, pairs, *scores)] if len(pairs) else []
    more = encode_cursor(scope, ids[limit - 1]) if len(ids) > limit else None
    return {
        "pairs": looked_at,
        "contaminated": repeated,
        "items": items,
        "next_cursor": more,
    }
