"""Evaluate jobs: a shard a split, put together into the subset's evaluation at the end."""

import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.evaluation import (
    DRAWS,
    SPLITS,
    Contender,
    Wanted,
    evaluate_split,
    summarise,
)
from curation.evaluation.evaluate import MAX_PAIRS, sampled
from curation.items import Pairs, View
from curation.recipes import Budget, Recipe
from curation.recipes.apply import text_fields
from curation.signals import Signal
from curation.signals.embedding import Embedding
from service.cells import embedding_model
from service.columns import with_vectors
from service.composing.fields import load_fields
from service.composing.pool import load_pool
from service.labels.facts import facts_of, with_facts
from service.media import media_pairs, texts_of
from service.tables.jobs import Job, JobKind, Shard, ShardState
from service.tables.subsets import Subset
from workers import embedding
from workers.handler import Handler, ShardPlan, Work
from workers.selecting import given, recipe_of, signals_in_use, subset_of

EMBED, SPLIT = STAGES = ["embed", "split"]
STORED = {"topic": "meta.topic"}  # what slices are called, where the field has another name


class Evaluating(Handler):
    """`spec`: subset_id, splits, draws, against (ids of other subsets), by (fields of the test
    pairs), curve. Splits are independent, so workers share them."""

    kind = JobKind.evaluate

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        subset = subset_of(session, job)
        if stage == EMBED:  # also a recipe without vectors is judged by heads that read them
            return embedding.plan(session, job, [judge_embedder(recipe_of(subset))])
        splits = job.spec.get("splits", SPLITS)
        return [ShardPlan({"number": number}, rows=1) for number in range(splits)]

    def run(self, work: Work) -> None:
        if work.stage == EMBED:
            embedding.run(work)
            return
        subset = subset_of(work.session, work.job)
        work.result = measure(work.session, work.job, subset, work.payload["number"])

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        results = session.scalars(
            select(Shard.result)
            .where(Shard.job_id == job.id, Shard.stage == STAGES.index(SPLIT))
            .where(Shard.state == ShardState.done)
            .order_by(Shard.ordinal)
        )
        subset = subset_of(session, job)
        subset.evaluation = summarise([found for found in results if found]).report()
        return {"subset_id": str(subset.id), "evaluation": subset.evaluation}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """The subset stays as it is: without an evaluation, or with an earlier one."""


def measure(session: Session, job: Job, subset: Subset, number: int) -> dict[str, Any]:
    """One split. Only the pairs that are measured get their vectors into memory."""
    recipe = recipe_of(subset)
    everything = load_pool(session, subset, recipe)
    everything = texts_of(everything, media_pairs(session, subset.dataset_id))
    fraction = fraction_of(subset, len(everything))
    pairs = everything.take(sampled(everything, MAX_PAIRS, subset.seed))
    terms = row_wise(session, subset, recipe, pairs)
    model = embedding_model(session, job.workspace_id, judge_embedder(recipe))
    pairs = with_vectors(session, pairs, model.id, tuple(View))
    read = facts_of(recipe.signals.values())
    pairs = with_facts(session, subset.dataset_id, pairs, read)
    result = evaluate_split(
        pairs, terms, recipe, fraction, number, job.spec.get("draws", DRAWS), subset.seed,
        wanted=wanted(session, job, subset, pairs),
    )  # fmt: skip
    return {**result, "pairs": len(everything)}


def row_wise(
    session: Session, subset: Subset, recipe: Recipe, pairs: Pairs
) -> dict[str, NDArray[np.float64]]:
    """The stored terms that depend on one row; the others are fitted on the training fold alone."""
    signals = {name: each for name, each in recipe.signals.items() if not each.whole_dataset}
    terms = {term: of for term, of in recipe.terms.items() if of.partition(".")[0] in signals}
    own = recipe.model_copy(update={"signals": signals, "terms": terms})
    uses = signals_in_use(session, subset, own)
    return given(session, subset.dataset_id, own, pairs, uses)


def wanted(session: Session, job: Job, subset: Subset, pairs: Pairs) -> Wanted:
    """What the job was asked for besides, over these pairs."""
    against: dict[str, Contender] = {}
    for id in job.spec.get("against", []):
        other = session.get_one(Subset, uuid.UUID(id))
        recipe = recipe_of(other)
        terms = row_wise(session, other, recipe, pairs)
        against[id] = Contender(recipe, fraction_of(other, other.pool or 0), other.seed, terms)
    names: list[str] = job.spec.get("by", [])
    stored = load_fields(session, subset.dataset_id, [STORED.get(n, n) for n in names], pairs.ids)
    known = {"length": text_fields(pairs)["length_band"]} if "length" in names else {}
    known |= {
        name: stored[STORED.get(name, name)] for name in names if STORED.get(name, name) in stored
    }
    return Wanted(against, known, bool(job.spec.get("curve")))


def fraction_of(subset: Subset, pairs: int) -> float:
    """The share of the pairs that the budget keeps; of a budget of tokens, what it did keep."""
    budget = Budget.parse(subset.budget)
    if budget.token_limit is None:
        return budget.fraction(pairs)
    return (subset.size or 0) / subset.pool if subset.pool else 0.0


def judge_embedder(recipe: Recipe) -> Signal:
    """The recipe's own embedder: its whole-dataset signals are refitted on the same vectors."""
    embedders = map(embedding.embedder_of, recipe.signals.values())
    return next(filter(None, embedders), Embedding())
