"""Select jobs: the scores that a recipe asks for, then the selection with a reason a pair."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from curation.items import Pairs, View
from curation.recipes import Budget, Recipe, apply
from curation.recipes.apply import Checked
from curation.selectors import Pool, Selection
from curation.signals import Level, Signal
from service.cells import embedding_model, newest_fit, signal_row
from service.columns import Generation, load_scores, raw, with_vectors
from service.composing import combining
from service.composing.asked import asked_of, is_combined
from service.composing.choosing import Chosen, choose
from service.composing.costs import counted_by, tokens_of
from service.composing.pool import built_for, load_pool, policy_of, write_outside
from service.export.everything import OUTSIDE
from service.export.pair_labels import TELLING
from service.export.shards import COLUMNS
from service.labels.holdings import refuse_unmet, runs_here
from service.media import media_pairs, texts_of
from service.selection import FitUse, SignalUse, SubsetManifest
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.pairs import Pair
from service.tables.scores import Score
from service.tables.subsets import Subset, SubsetItem
from workers import building
from workers.embedding import embedder_of
from workers.handler import Handler, ShardPlan, Work
from workers.scoring import STAGES as SCORING_STAGES
from workers.scoring import lay_out, plan_stage, run_stage

SELECT = "select"
STAGES = [building.PAIRS, *SCORING_STAGES, SELECT]

INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_items
    (pair_id uuid, rank int8, importance float8, reason text, share float8) ON COMMIT DELETE ROWS
"""
COPY_ITEMS = "COPY incoming_items FROM STDIN (FORMAT binary)"
INSERT_ITEMS = """
INSERT INTO subset_items (subset_id, pair_id, position, rank, importance, reason, share)
SELECT %s, pair_id, p.position, rank, importance, reason, share
FROM incoming_items JOIN pairs p ON p.dataset_id = %s AND p.id = pair_id
"""


class Selecting(Handler):
    """`spec`: subset_id. The selection is one shard and one transaction, so it is there or not."""

    kind = JobKind.select

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        subset = subset_of(session, job)
        if job.stage == 0 and not is_combined(subset):
            refuse_unmet(session, subset.dataset_id, recipe_of(subset))
        if stage == building.PAIRS:
            policy = policy_of(subset)
            return building.plan(session, job, policy) if policy else []
        if stage != SELECT:
            return plan_stage(session, job, stage, list(recipe_of(subset).signals.values()))
        pairs = select(func.count()).where(Pair.dataset_id == subset.dataset_id)
        return [ShardPlan({}, rows=session.scalar(pairs) or 0)]

    def run(self, work: Work) -> None:
        subset = subset_of(work.session, work.job)
        if work.stage == building.PAIRS:
            building.run(work)
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
    recipe = recipe_of(subset)
    pairs = load_pool(session, subset, recipe)
    uses = signals_in_use(session, subset, recipe)
    workspace_id = session.get_one(Dataset, subset.dataset_id).workspace_id
    seen = with_selected_vectors(session, recipe, pairs, subset.dataset_id, workspace_id)
    pool = apply.pool(recipe, seen, given(session, recipe, pairs, uses))
    chosen = chosen_of(subset, recipe, pairs, pool)
    selection = chosen.selection
    write_items(session, subset, pairs, chosen)
    outside = write_outside(session, subset)
    kept = {pairs.prompt_ids[row] for row in selection.order.tolist()}
    manifest = SubsetManifest(
        signals=tuple(use for _, use in uses.values()),
        reasons={**Counter(selection.reasons), **({OUTSIDE: outside} if outside else {})},
        prompts=len(set(pairs.prompt_ids)),
        prompts_kept=len(kept),
        objective=selection.objective if np.isfinite(selection.objective) else None,
        degraded=(
            *runs_here(session, subset.dataset_id, recipe).sentences(),
            *built_for(session, subset).degraded(),
            *missing_terms(session, recipe, pool, selection, uses),
        ),
        outputs={
            column: uses[name][1].columns[output.name]
            for column, term in recipe.outputs.items()
            for name, _, output in [recipe.output(term)]
        },
        expects=tuple(describe(one) for one in apply.check(recipe, pool, selection, chosen.k)),
        tokens=chosen.used,
        tokens_counted_by=None if chosen.used is None else counted_by(asked_of(subset).tokenizer),
        stability=chosen.stability,
    )
    subset.manifest = manifest.model_dump(mode="json")
    subset.size, subset.pool, subset.state = len(selection.order), len(pairs), "ready"


def chosen_of(subset: Subset, recipe: Recipe, pairs: Pairs, pool: Pool) -> Chosen:
    asked, budget = asked_of(subset), Budget.parse(subset.budget)
    tokens = None if budget.token_limit is None else tokens_of(pairs, asked.tokenizer)
    return choose(recipe.selector, pool, budget, asked.seeds or (subset.seed,), tokens)


Uses = Mapping[str, tuple[Generation, SignalUse]]


def missing_terms(
    session: Session, recipe: Recipe, pool: Pool, selection: Selection, uses: Uses
) -> Iterator[str]:
    """Terms and outputs that no pair has, with the reason that most of their cells give."""
    nobody = (t for t in recipe.outputs.values() if not np.isfinite(pool.scores[t]).any())
    for term in dict.fromkeys([*selection.degraded, *nobody]):
        why = ""
        if term in recipe.terms:
            name, _, output = recipe.output(term)
            found = statuses(session, uses[name][0]._replace(output=output.name))
            why = f" ({max(found, key=found.__getitem__)})" if found else ""
        yield f"{term}: no pair has it{why}"


def signals_in_use(session: Session, subset: Subset, recipe: Recipe) -> Uses:
    """The newest generation of each signal's scores, by the signal's name in the recipe."""
    columns = export_columns(recipe)
    uses: dict[str, tuple[Generation, SignalUse]] = {}
    for name, signal in recipe.signals.items():
        if signal.level == Level.text:
            continue
        row = signal_row(session, subset.dataset_id, signal)
        fit = newest_fit(session, row.id) if signal.whole_dataset else None
        cells = Generation(row.id, fit.id if fit else None, signal.outputs[0].name)
        use = SignalUse(
            name=name,
            kind=row.kind,
            version=row.version,
            identity=row.identity,
            level=signal.level.value,
            spec=row.spec,
            columns=columns[name],
            statuses=statuses(session, cells),
            fit=FitUse(items_sha256=fit.items_sha256, items=fit.items, metrics=fit.metrics)
            if fit
            else None,
        )
        uses[name] = (cells, use)
    return uses


def export_columns(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Column names of each signal's outputs: the output's own, where no other has it."""
    scored = {name: s for name, s in recipe.signals.items() if s.level != Level.text}
    used = Counter(output.name for signal in scored.values() for output in signal.outputs)
    used.update([*COLUMNS, *TELLING, *recipe.outputs])

    def column(name: str, output: str) -> str:
        return output if used[output] == 1 else f"{name}_{output}"

    return {
        name: {output.name: column(name, output.name) for output in signal.outputs}
        for name, signal in scored.items()
    }


def statuses(session: Session, cells: Generation) -> dict[str, int]:
    """Missing cells of a generation by their reason."""
    counted = (
        select(Score.status, func.count())
        .where(Score.signal_id == cells.signal_id, Score.output == cells.output)
        .where(Score.fit_id.is_not_distinct_from(cells.fit_id), Score.status != "ok")
        .group_by(Score.status)
        .order_by(Score.status)
    )
    return {status: count for status, count in session.execute(counted)}


def given(
    session: Session, recipe: Recipe, pairs: Pairs, uses: Uses
) -> dict[str, NDArray[np.float64]]:
    """Each term of the recipe by row, NaN where its cell has no value."""
    terms: dict[str, NDArray[np.float64]] = {}
    for term in recipe.terms:
        name, signal, output = recipe.output(term)
        ids = pairs.prompt_ids if signal.level == Level.prompt else pairs.ids
        terms[term] = load_scores(session, uses[name][0]._replace(output=output.name), ids)
    return terms


def with_selected_vectors(
    session: Session, recipe: Recipe, pairs: Pairs, dataset_id: uuid.UUID, workspace_id: uuid.UUID
) -> Pairs:
    """With the vectors that the selector looks at, where a signal made them; NaN: an image's."""
    if not recipe.selector.needs_vectors():
        return pairs
    views = recipe.selector.vector_views()
    signals = recipe.signals.values()
    made = (embedder_of(one) for one in signals if all(embeds(one, view) for view in views))
    embedder = next(filter(None, made), None)
    if embedder is None:
        return pairs
    model = embedding_model(session, workspace_id, embedder)
    if views == (View.prompt,):
        return with_vectors(session, pairs, model.id, views)
    texts = texts_of(pairs, media_pairs(session, dataset_id))
    found = with_vectors(session, texts, model.id, views).vectors
    if len(texts) == len(pairs):
        return replace(pairs, vectors=found)
    place = {name: row for row, name in enumerate(texts.ids)}
    rows = [row for row, name in enumerate(pairs.ids) if name in place]
    vectors = {
        view: np.full((len(pairs), matrix.shape[1]), np.nan, np.float32)
        for view, matrix in found.items()
    }
    for view, matrix in found.items():
        vectors[view][rows] = matrix
    return replace(pairs, vectors=vectors)


def embeds(signal: Signal, view: View) -> bool:
    """Whether the scoring stages made vectors of this view for the signal."""
    return view in signal.views or signal.level == Level.text


def write_items(session: Session, subset: Subset, pairs: Pairs, chosen: Chosen) -> None:
    selection, share = chosen.selection, chosen.share
    ranks = {row: rank for rank, row in enumerate(selection.order.tolist(), start=1)}
    importance: list[float] = np.asarray(selection.importance, np.float64).tolist()
    session.execute(delete(SubsetItem).where(SubsetItem.subset_id == subset.id))
    with raw(session).cursor() as cursor:
        cursor.execute(INCOMING)
        cursor.execute("TRUNCATE incoming_items")
        with cursor.copy(COPY_ITEMS) as copy:
            copy.set_types(["uuid", "int8", "float8", "text", "float8"])
            for row, (name, reason) in enumerate(zip(pairs.ids, selection.reasons, strict=True)):
                value = importance[row] if np.isfinite(importance[row]) else None
                often = None if share is None else float(share[row])
                copy.write_row((uuid.UUID(name), ranks.get(row), value, reason, often))
        cursor.execute(INSERT_ITEMS, (subset.id, subset.dataset_id))


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
