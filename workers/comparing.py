"""What an advise job compares by: stored scores and vectors, and the shards of the comparison."""

import uuid
from collections.abc import Mapping

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from curation.items import Floats, Pairs, View
from curation.recipes import Budget, Recipe
from curation.signals import Level, Signal, parse_signal
from curation.signals.embedding import Embedding
from service.advice import stored
from service.advice.advising import CHUNK, SCORING
from service.advice.asked import COMPARE, STAGES, Asked, asked_of
from service.advice.measuring import Contest, row_wise
from service.advice.pacing import MARGIN, fits
from service.advice.stored import SKIPPED, Picked, done, sampled_by
from service.cells import embedding_model, signal_row, write_scores
from service.columns import Generation, item_ids, load_items, load_scores, with_vectors
from service.composing.fields import load_fields
from service.composing.pool import load_named
from service.labels.facts import facts_of, with_facts
from service.tables.jobs import Job, Shard
from service.tables.pairs import Pair
from service.tables.subsets import Subset
from workers import embedding
from workers.evaluating import fraction_of
from workers.handler import ShardPlan, Work


def plan_scores(session: Session, job: Job, picked: Picked) -> list[ShardPlan]:
    """Parts of what has no score yet of signals that look at one row."""
    assert job.dataset_id is not None
    signals = {s.identity(): s for each in picked.recipes.values() for s in row_wise(each)}
    plans: list[ShardPlan] = []
    for signal in signals.values():
        payload = {"signal": signal.model_dump(mode="json")}
        missing = unscored(session, job.dataset_id, signal, picked.pairs)
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            queue = embedding.queue_of(signal)
            plans.append(ShardPlan({**payload, "items": part}, len(part), queue))
    return plans


def unscored(session: Session, dataset_id: uuid.UUID, signal: Signal, ids: list[str]) -> list[str]:
    """Of these pairs, or of their prompts."""
    cells = Generation(signal_row(session, dataset_id, signal).id, None, signal.outputs[0].name)
    if signal.level == Level.prompt:
        pairs = [uuid.UUID(id) for id in ids]
        prompts = select(cast(Pair.prompt_id, String)).where(Pair.id.in_(pairs)).distinct()
        ids = list(session.scalars(prompts.where(Pair.dataset_id == dataset_id)))
    return item_ids(session, dataset_id, signal.level, cells, ids)


def score(work: Work) -> None:
    session, job = work.session, work.job
    assert job.dataset_id is not None
    if stored.used(session, job) > SCORING * asked_of(job).seconds:
        work.result = SKIPPED
        return
    signal = parse_signal(work.payload["signal"])
    row = signal_row(session, job.dataset_id, signal)
    items = load_items(session, job.dataset_id, signal.level, work.payload["items"])
    items = embedding.embedded(session, job, signal, items)
    write_scores(session, row.id, None, items.ids, signal.score(items))


def plan_splits(session: Session, job: Job, picked: Picked) -> list[ShardPlan]:
    """One seed after the other, and in it one split after the other: what the time leaves out are
    the last splits of all recipes. A recipe without its scores has no shard."""
    assert job.dataset_id is not None
    whole = [
        name
        for name, recipe in picked.recipes.items()
        if not any(
            unscored(session, job.dataset_id, signal, picked.pairs) for signal in row_wise(recipe)
        )
    ]
    return [
        ShardPlan({"name": name, "seed": seed, "number": number}, 1)
        for seed, number in asked_of(job).units
        for name in whole
    ]


def in_time(session: Session, job: Job, name: str, seconds: float) -> bool:
    """Whether a split of the recipe may begin; several workers share what is left."""
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
    """The stored ones that depend on one row."""
    assert job.dataset_id is not None
    found: dict[str, Floats] = {}
    for term in recipe.terms:
        _, signal, output = recipe.output(term)
        if not signal.whole_dataset:
            row = signal_row(session, job.dataset_id, signal)
            ids = pairs.prompt_ids if signal.level == Level.prompt else pairs.ids
            found[term] = load_scores(session, Generation(row.id, None, output.name), ids)
    return found
