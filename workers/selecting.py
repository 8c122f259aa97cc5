"""Select jobs: the scores that a recipe asks for, then the selection with a reason a pair."""

import uuid
from math import ceil
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.recipes import Budget, Recipe, apply
from curation.recipes.apply import Checked
from curation.selectors import Pool
from service.composing import combining, items
from service.composing.asked import asked_of, is_combined
from service.composing.choosing import Chosen, choose, share_of
from service.composing.costs import counted_by, tokens_of
from service.composing.pool import (
    WHOLE,
    Part,
    built_for,
    load_pool,
    outside,
    policy_of,
    pool_ids,
    pooled,
    shard_of,
)
from service.config import settings
from service.export.everything import OUTSIDE
from service.labels.holdings import refuse_unmet, runs_here
from service.selection import SubsetManifest
from service.tables.jobs import Job, JobKind
from service.tables.pairs import Pair
from service.tables.subsets import Subset
from workers import building
from workers.handler import Handler, ShardPlan, Work
from workers.pools import (
    export_columns,
    given,
    missing_terms,
    outputs_of,
    pool_of,
    signals_in_use,
)
from workers.scoring import STAGES as SCORING_STAGES
from workers.scoring import lay_out, plan_stage, run_stage

__all__ = ["Selecting", "export_columns", "given", "recipe_of", "signals_in_use", "subset_of"]

SHARDS, SELECT = "shards", "select"
STAGES = [building.PAIRS, *SCORING_STAGES, SHARDS, SELECT]
IN_TWO_STAGES = (
    "selected in two stages: from {} pairs that shards of all {} put forward; objective, bound and "
    "shares of seeds are those of the first, expectations are not checked"
)


class Selecting(Handler):
    """`spec`: subset_id. The selection is one shard and one transaction, so it is there or not.

    Of more pairs than one worker holds (`settings.select_pairs`) each shard selects first, and what
    the shards put forward goes into that last one.
    """

    kind = JobKind.select

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        subset = subset_of(session, job)
        if job.stage == 0 and not is_combined(subset):
            refuse_unmet(session, subset.dataset_id, recipe_of(subset))
        if stage == building.PAIRS:
            policy = policy_of(subset)
            return building.plan(session, job, policy) if policy else []
        if stage == SHARDS:
            return plan_shards(session, subset)
        if stage != SELECT:
            return plan_stage(session, job, stage, list(recipe_of(subset).signals.values()))
        pairs = select(func.count()).where(Pair.dataset_id == subset.dataset_id)
        return [ShardPlan({}, rows=session.scalar(pairs) or 0)]

    def run(self, work: Work) -> None:
        subset = subset_of(work.session, work.job)
        if work.stage == building.PAIRS:
            building.run(work)
        elif work.stage == SHARDS:
            put_forward(work.session, subset, Part(**work.payload))
        elif work.stage != SELECT:
            run_stage(work)
        elif is_combined(subset):
            combining.fill(work.session, subset)
        else:
            fill(work.session, subset)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        subset = subset_of(session, job)
        lay_out(session, job)
        return {"subset_id": str(subset.id), "size": subset.size, "pool": subset.pool}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        subset_of(session, job).state = "failed"
        building.fail(session, job)


def subset_of(session: Session, job: Job) -> Subset:
    return session.get_one(Subset, uuid.UUID(job.spec["subset_id"]))


def recipe_of(subset: Subset) -> Recipe:
    return Recipe.model_validate(subset.recipe)


def fill(session: Session, subset: Subset) -> None:
    """Select, and write every pair of the pool with its rank or the reason it was dropped."""
    recipe, budget = recipe_of(subset), Budget.parse(subset.budget)
    pairs = load_pool(session, subset, recipe)
    pool, uses = pool_of(session, subset, recipe, pairs)
    before = items.count(session, subset) if items.in_two_stages(session, subset) else None
    if before is not None and budget.token_limit is None:
        budget = Budget(pairs=budget.count(before.pairs))
    chosen = chosen_of(subset, recipe, pairs, pool, budget)
    whole = pairs.ids if before is None else pool_ids(session, subset, WHOLE) or ()
    items.forget(session, subset, candidates=before is not None)
    items.write_items(session, subset, pairs, chosen, outside(session, subset, whole))
    counts = items.count(session, subset)
    selection = chosen.selection
    checked = () if before else apply.check(recipe, pool, selection, chosen.k)
    manifest = SubsetManifest(
        signals=tuple(use for _, use in uses.values()),
        reasons=dict(counts.reasons),
        prompts=counts.prompts,
        prompts_kept=counts.prompts_kept,
        objective=selection.objective if np.isfinite(selection.objective) else None,
        degraded=(
            *runs_here(session, subset.dataset_id, recipe).sentences(),
            *built_for(session, subset).degraded(),
            *missing_terms(session, recipe, pool, selection, uses),
            *(() if before is None else [IN_TWO_STAGES.format(len(pairs), before.pairs)]),
        ),
        outputs=outputs_of(recipe, uses),
        expects=tuple(describe(one) for one in checked),
        tokens=chosen.used,
        tokens_counted_by=None if chosen.used is None else counted_by(asked_of(subset).tokenizer),
        stability=chosen.stability,
    )
    subset.manifest = manifest.model_dump(mode="json")
    subset.size, subset.state = len(selection.order), "ready"
    subset.pool = counts.pairs - counts.reasons.get(OUTSIDE, 0)


def chosen_of(subset: Subset, recipe: Recipe, pairs: Pairs, pool: Pool, budget: Budget) -> Chosen:
    asked = asked_of(subset)
    tokens = None if budget.token_limit is None else tokens_of(pairs, asked.tokenizer)
    return choose(recipe.selector, pool, budget, asked.seeds or (subset.seed,), tokens)


def plan_shards(session: Session, subset: Subset) -> list[ShardPlan]:
    """None where one worker can hold the pool. All pairs of a prompt lie in one shard."""
    ids = pooled(session, subset, Pair.id).subquery()
    total = session.scalar(select(func.count()).select_from(ids)) or 0
    shards = ceil(total / settings.select_pairs)
    if shards <= 1:
        return []
    number = shard_of(shards)
    sizes = pooled(session, subset, number, func.count()).group_by(number).order_by(number)
    found: Any = session.execute(sizes)
    parts = [Part(int(one), shards, size, total) for one, size in found]
    return [ShardPlan(part._asdict(), rows=part.size) for part in parts]


def put_forward(session: Session, subset: Subset, part: Part) -> None:
    """Select from one shard for the last stage (GreeDi, arXiv 1411.0541); what is dropped here is
    dropped for good."""
    recipe = recipe_of(subset)
    pairs = load_pool(session, subset, recipe, part)
    pool, _ = pool_of(session, subset, recipe, pairs)
    budget = share_of(Budget.parse(subset.budget), part.size, part.total)
    chosen = chosen_of(subset, recipe, pairs, pool, budget)
    items.write_items(session, subset, pairs, chosen, forward=True)


def describe(one: Checked) -> dict[str, Any]:
    """An expectation in words, and what was found."""
    names = {
        "size": "as many pairs as the budget asks for",
        "mean_above_pool": f"mean {one.expectation.term} above that of all pairs",
        "mean_not_below_pool": f"mean {one.expectation.term} not below that of all pairs",
        "within": f"every {one.expectation.term} within {one.expectation.low} .. "
        f"{one.expectation.high}",
    }
    return {
        "name": names[one.expectation.check],
        "held": one.met,
        "value": one.value,
        "reference": one.reference,
    }
