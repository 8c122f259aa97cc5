"""The advise job: recipes compared on a dataset, a shard a recipe and split, until time is up.

What a shard has found is committed with its end, so that a killed worker loses that shard alone,
which another does again; a shard whose time is over ends at once and says that it was skipped.
"""

import time
import uuid
from typing import Any

import numpy as np
from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from curation.evaluation.evaluate import sampled
from curation.items import Pairs, Texts, View
from curation.recipes import RECIPES
from curation.signals import parse_signal
from curation.signals.embedding import Embedding
from service.advice import stored
from service.advice.advising import (
    CHUNK,
    EMBEDDING,
    LEAST,
    MOST,
    SCORING,
    Unfit,
    refuse_few,
    too_short,
)
from service.advice.asked import EMBED, PICK, SAMPLE, SCORE, STAGES, asked_of
from service.advice.candidates import BASELINE, affordable, applicable, embedding_pace
from service.advice.measuring import Arena, arena, measure
from service.advice.stored import SKIPPED, Picked, done, held, picked_by, sampled_by
from service.cells import embedding_model
from service.columns import view_texts
from service.composing.pool import load_named
from service.errors import Invalid
from service.media import media_pairs
from service.tables.jobs import Job, JobKind, Shard, ShardState
from service.tables.pairs import Pair
from service.tables.subsets import Subset
from workers import embedding
from workers.comparing import contest_of, in_time, pairs_of, plan_scores, plan_splits, score
from workers.handler import Handler, ShardPlan, Work
from workers.selecting import recipe_of


class Advising(Handler):
    """`spec`: `service.advice.asked.Asked`. The job itself is the advice, and its id the advice's.

    A worker process keeps the pairs of its latest job: each split reads the same ones.
    """

    kind = JobKind.advise

    def __init__(self) -> None:
        self.place: tuple[uuid.UUID, Arena] | None = None

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        if stage in (SAMPLE, PICK):
            return [ShardPlan({}, 1)]
        if stage == EMBED:
            found = sampled_by(session, job)
            pairs = found.pairs if found else []
            return embedding.plan(session, job, [Embedding()], pairs, CHUNK)
        picked = picked_by(session, job)
        assert picked is not None
        plan = plan_scores if stage == SCORE else plan_splits
        return plan(session, job, picked)

    def run(self, work: Work) -> None:
        session, job = work.session, work.job
        if work.stage == SAMPLE:
            work.result = sample(session, job).model_dump(mode="json")
        elif work.stage == EMBED:
            embed(work)
        elif work.stage == PICK:
            work.result = pick(session, job).model_dump(mode="json")
        elif work.stage == SCORE:
            score(work)
        else:
            self.compare(work)

    def compare(self, work: Work) -> None:
        session, job, asked = work.session, work.job, asked_of(work.job)
        name, seed, number = (work.payload[key] for key in ("name", "seed", "number"))
        if not in_time(session, job, name, asked.seconds):
            work.result = SKIPPED
            return
        picked = picked_by(session, job)
        assert picked is not None
        if self.place is None or self.place[0] != job.id:
            self.place = job.id, arena(pairs_of(session, job, picked))
        place = self.place[1]
        contest = contest_of(session, job, asked, name, picked.recipes[name], place.pairs)
        work.result = measure(place, contest, seed, number)

    def finish(self, session: Session, job: Job) -> dict[str, Any] | None:
        self.place = None
        found = stored.advice(session, job)
        return None if found is None else found.model_dump(mode="json")

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """What was measured stays, and can be read."""
        self.place = None


def sample(session: Session, job: Job) -> stored.Sampled:
    """Random pairs that may be measured on, in random order. Raises Invalid `too_few`."""
    query = select(cast(Pair.id, String), cast(Pair.prompt_id, String))
    query = query.where(Pair.dataset_id == job.dataset_id).order_by(Pair.position)
    assert job.dataset_id is not None
    media = media_pairs(session, job.dataset_id)
    rows = [(id, prompt) for id, prompt in session.execute(query) if id not in media]
    ids, nothing = [id for id, _ in rows], [""] * len(rows)
    pairs = Pairs(ids, [prompt for _, prompt in rows], nothing, nothing, nothing)
    try:
        refuse_few(pairs)
    except Unfit as error:
        raise Invalid(str(error), code="too_few") from error
    seed = asked_of(job).seeds[0]
    chosen = pairs.take(sampled(pairs, MOST, seed))
    shuffled = chosen.take(np.random.default_rng([seed, 3]).permutation(len(chosen)))
    return stored.Sampled(pairs=list(shuffled.ids), of=len(pairs))


def embed(work: Work) -> None:
    """Raises Invalid `time_too_short` as soon as it shows that too few pairs would have vectors."""
    session, job, seconds = work.session, work.job, asked_of(work.job).seconds
    parse_signal(work.payload["embedder"]).score(Texts([""], [""], ["warm"]))  # loads the model
    each, hands = seconds_a_pair(session, job), stored.hands(session, job)
    before, used = pairs_with_vectors(session, job), stored.used(session, job)
    needed = used + each / hands * max(LEAST - before, 0)
    if needed > SCORING * seconds:
        raise Invalid(too_short(seconds, each / hands, needed / EMBEDDING), code="time_too_short")
    if before >= LEAST and used + each * CHUNK > EMBEDDING * seconds:
        work.result = SKIPPED
        return
    began = time.monotonic()
    embedding.run(work)
    work.result = {"seconds": time.monotonic() - began, "texts": len(work.payload["texts"])}


def pairs_with_vectors(session: Session, job: Job) -> int:
    """At least so many of the sample: those of shards that have not ended may have none."""
    open_ones = select(func.count()).where(
        Shard.job_id == job.id,
        Shard.stage == STAGES.index(EMBED),
        Shard.state.in_((ShardState.waiting, ShardState.leased)),
    )
    found = sampled_by(session, job)
    return max((len(found.pairs) if found else 0) - CHUNK * (session.scalar(open_ones) or 0), 0)


def seconds_a_pair(session: Session, job: Job) -> float:
    """That one worker takes to embed a pair, by the shards so far."""
    ended = [one.result for one in done(session, job, EMBED) if "seconds" in one.result]
    texts = sum(one["texts"] for one in ended)
    return sum(one["seconds"] for one in ended) / texts * len(View) if texts else 0.0


def pick(session: Session, job: Job) -> Picked:
    """What has its vectors, and the recipes that can be compared there in what is left."""
    asked, found = asked_of(job), sampled_by(session, job)
    assert found is not None
    assert job.dataset_id is not None
    pairs = with_all_vectors(session, job, found.pairs)
    recipes = dict(asked.recipes or {})
    if asked.recipes is None:
        recipes = {name: each for name, each in RECIPES.items() if name != BASELINE}
    recipes |= {str(id): recipe_of(session.get_one(Subset, id)) for id in asked.against}
    present = held(session, job.dataset_id, list(recipes.values()))
    picked = applicable(recipes, present, facts=True)
    timed = [one.result for one in done(session, job, EMBED) if "seconds" in one.result]
    spent = sum(one["seconds"] for one in timed)
    pace = embedding_pace(spent, sum(one["texts"] for one in timed)) if timed else 1.0
    used = stored.used(session, job)
    hands = min(max(spent / max(used, 1.0), 1.0), 16.0)  # workers that shared the embedding
    left = (asked.seconds - used) * hands
    picked = affordable(picked, present, len(pairs), left, pace)
    return Picked(
        pairs=pairs, recipes=picked.recipes, left_out=list(picked.left_out), present=present
    )


def with_all_vectors(session: Session, job: Job, ids: list[str]) -> list[str]:
    assert job.dataset_id is not None
    model = embedding_model(session, job.workspace_id, Embedding())
    pairs = load_named(session, job.dataset_id, ids)
    texts = [view_texts(pairs, view).ids for view in View]
    known = embedding.known(session, model.id, [*{id for column in texts for id in column}])
    whole = [all(id in known for id in row) for row in zip(*texts, strict=True)]
    return [id for id, there in zip(pairs.ids, whole, strict=True) if there]
