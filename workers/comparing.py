"""What an advise job compares by: stored scores and vectors, and the shards of the comparison."""

import uuid
from collections.abc import Mapping
from math import isfinite
from typing import TypeAlias

import numpy as np
from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from curation.items import Floats, Pairs, View
from curation.recipes import Budget, Recipe
from curation.signals import Level, Signal
from curation.signals.embedding import Embedding
from service.advice import stored
from service.advice.advising import CHUNK, SCORING
from service.advice.asked import COMPARE, SCORE, STAGES, Asked, asked_of
from service.advice.measuring import Contest, row_wise
from service.advice.pacing import MARGIN, fits
from service.advice.stored import SKIPPED, Picked, done, picked_by, sampled_by
from service.cells import embedding_model
from service.columns import Generation, item_ids, load_items, load_scores, with_vectors
from service.composing.fields import load_fields
from service.composing.pool import load_named
from service.labels.facts import facts_of, with_facts
from service.tables.jobs import Job, Shard
from service.tables.pairs import Pair
from service.tables.scores import SignalRow
from service.tables.subsets import Subset
from workers import embedding
from workers.evaluating import fraction_of
from workers.handler import ShardPlan, Work

Found: TypeAlias = dict[str, dict[str, dict[str, float | None]]]


def plan_scores(session: Session, job: Job, picked: Picked) -> list[ShardPlan]:
    """Parts of what has no score yet of signals that look at one row, which shards name by their
    identity: a specification may have a megabyte of texts."""
    plans: list[ShardPlan] = []
    for identity, signal in row_wise_of(picked).items():
        missing = unscored(session, job, signal, picked.pairs, {})
        for start in range(0, len(missing), CHUNK):
            payload = {"signal": identity, "items": missing[start : start + CHUNK]}
            queue = embedding.queue_of(signal)
            plans.append(ShardPlan(payload, len(payload["items"]), queue))
    return plans


def row_wise_of(picked: Picked) -> dict[str, Signal]:
    return {one.identity(): one for each in picked.recipes.values() for one in row_wise(each)}


def stored_row(session: Session, job: Job, signal: Signal) -> SignalRow | None:
    """Of a signal that somebody has scored the dataset by: advice adds none, since it looks at some
    of the pairs only, and the newest signal of a kind is the one that the dataset shows."""
    own = (SignalRow.dataset_id == job.dataset_id, SignalRow.identity == signal.identity())
    return session.scalar(select(SignalRow).where(*own))


def scored_by(session: Session, job: Job) -> Found:
    """What the job's own shards have scored, by signal, output, and pair or prompt."""
    found: Found = {}
    for payload, result in done(session, job, SCORE):
        if "values" in result:
            outputs = found.setdefault(payload["signal"], {})
            for name, values in result["values"].items():
                known = zip(result["items"], values, strict=True)
                outputs.setdefault(name, {}).update(known)
    return found


def unscored(session: Session, job: Job, signal: Signal, ids: list[str], found: Found) -> list[str]:
    """Of these pairs, or of their prompts."""
    assert job.dataset_id is not None
    if signal.level == Level.prompt:
        pairs = [uuid.UUID(id) for id in ids]
        prompts = select(cast(Pair.prompt_id, String)).where(Pair.id.in_(pairs)).distinct()
        ids = list(session.scalars(prompts.where(Pair.dataset_id == job.dataset_id)))
    output = signal.outputs[0].name
    row = stored_row(session, job, signal)
    cells = Generation(row.id, None, output) if row else None
    ids = item_ids(session, job.dataset_id, signal.level, cells, ids)
    own = found.get(signal.identity(), {}).get(output, {})
    return [id for id in ids if id not in own]


def score(work: Work) -> None:
    session, job = work.session, work.job
    assert job.dataset_id is not None
    if stored.used(session, job) > SCORING * asked_of(job).seconds:
        work.result = SKIPPED
        return
    picked = picked_by(session, job)
    assert picked is not None
    signal = row_wise_of(picked)[work.payload["signal"]]
    items = load_items(session, job.dataset_id, signal.level, work.payload["items"])
    items = embedding.embedded(session, job, signal, items)
    columns = signal.score(items).columns
    values = {name: [float(x) for x in column.values] for name, column in columns.items()}
    known = {name: [x if isfinite(x) else None for x in each] for name, each in values.items()}
    work.result = {"items": list(items.ids), "values": known}


def plan_splits(session: Session, job: Job, picked: Picked) -> list[ShardPlan]:
    """One seed after the other, and in it one split after the other: what the time leaves out are
    the last splits of all recipes. A recipe without its scores has no shard."""
    found = scored_by(session, job)
    missing = {
        identity: unscored(session, job, signal, picked.pairs, found)
        for identity, signal in row_wise_of(picked).items()
    }
    whole = [
        name
        for name, recipe in picked.recipes.items()
        if not any(missing[signal.identity()] for signal in row_wise(recipe))
    ]
    return [
        ShardPlan({"name": name, "seed": seed, "number": number}, 1)
        for seed, number in asked_of(job).units
        for name in whole
    ]


def in_time(session: Session, job: Job, name: str, seconds: float) -> bool:
    """Whether a split of the recipe may begin; several workers share what is left."""
    if stored.used(session, job) >= seconds:
        return False
    spent: dict[str, list[float]] = {}
    for payload in session.scalars(
        select(Shard.payload)
        .where(Shard.job_id == job.id, Shard.stage == STAGES.index(COMPARE))
        .order_by(Shard.ordinal)
    ):
        spent.setdefault(payload["name"], [])
    for each in done(session, job, COMPARE):
        if "seconds" in each.result:
            spent[each.payload["name"]].append(each.result["seconds"])
    own = max((max(each) for each in spent.values() if each), default=0.0)
    left = seconds - stored.used(session, job)
    return left >= MARGIN * max(spent[name], default=own) and fits(
        name, spent, left * stored.hands(session, job)
    )


def pairs_of(session: Session, job: Job, picked: Picked) -> Pairs:
    """With what any of the recipes reads."""
    assert job.dataset_id is not None
    pairs = load_named(session, job.dataset_id, picked.pairs)
    model = embedding_model(session, job.workspace_id, Embedding())
    pairs = with_vectors(session, pairs, model.id, tuple(View))
    signals = [one for recipe in picked.recipes.values() for one in recipe.signals.values()]
    pairs = with_facts(session, job.dataset_id, pairs, facts_of(signals))
    names = [n for recipe in picked.recipes.values() for n in recipe.selector.field_names()]
    return pairs.with_fields(load_fields(session, job.dataset_id, names, pairs.ids))


def contest_of(
    session: Session, job: Job, asked: Asked, name: str, recipe: Recipe, pairs: Pairs
) -> Contest:
    found = sampled_by(session, job)
    assert found is not None
    fraction = Budget.parse(asked.budget).fraction(found.of)
    if name in {str(id) for id in asked.against}:
        other = session.get_one(Subset, uuid.UUID(name))
        fraction = fraction_of(other, other.pool or 0)
    return Contest(recipe, fraction, terms(session, job, recipe, pairs))


def terms(session: Session, job: Job, recipe: Recipe, pairs: Pairs) -> Mapping[str, Floats]:
    """Those that depend on one row: the job's own, and what the dataset has stored."""
    own = scored_by(session, job)
    found: dict[str, Floats] = {}
    for term in recipe.terms:
        _, signal, output = recipe.output(term)
        if not signal.whole_dataset:
            ids = pairs.prompt_ids if signal.level == Level.prompt else pairs.ids
            known = own.get(signal.identity(), {}).get(output.name, {})
            values = np.array([known.get(id) for id in ids], np.float64)
            row = stored_row(session, job, signal)
            if row is not None:
                cells = Generation(row.id, None, output.name)
                before = load_scores(session, cells, ids, few=True)
                values = np.where(np.isnan(values), before, values)
            found[term] = values
    return found
