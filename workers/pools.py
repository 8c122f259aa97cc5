"""The pool of a recipe: the terms, fields and vectors that its selector looks at, as stored."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.items import Pairs, View
from curation.recipes import Recipe, apply
from curation.selectors import Pool, Selection
from curation.signals import Level, Signal
from service.cells import embedding_model, newest_fit, signal_row
from service.columns import Generation, load_scores, with_vectors
from service.composing.learning import learning_pool
from service.export.pair_labels import TELLING
from service.export.shards import COLUMNS
from service.media import media_pairs, texts_of
from service.selection import FitUse, SignalUse
from service.tables.datasets import Dataset
from service.tables.pairs import Pair
from service.tables.scores import Score
from service.tables.subsets import Subset
from workers.embedding import embedder_of

Uses = Mapping[str, tuple[Generation, SignalUse]]


def pool_of(session: Session, subset: Subset, recipe: Recipe, pairs: Pairs) -> tuple[Pool, Uses]:
    uses = signals_in_use(session, subset, recipe)
    workspace_id = session.get_one(Dataset, subset.dataset_id).workspace_id
    seen = with_selected_vectors(session, recipe, pairs, subset.dataset_id, workspace_id)
    return apply.pool(recipe, seen, given(session, subset.dataset_id, recipe, pairs, uses)), uses


def outputs_of(recipe: Recipe, uses: Uses) -> dict[str, str]:
    """Columns of an export by the score column that each comes from."""
    return {
        column: uses[name][1].columns[output.name]
        for column, term in recipe.outputs.items()
        for name, _, output in [recipe.output(term)]
    }


def missing_terms(
    session: Session, recipe: Recipe, pool: Pool, selection: Selection, uses: Uses
) -> Iterator[str]:
    """Terms and outputs that no pair has, with the reason that most of their cells give."""
    nobody = (t for t in recipe.outputs.values() if not np.isfinite(pool.scores[t]).any())
    for term in dict.fromkeys([*selection.degraded, *nobody]):
        if ": " in term:  # a selector's own sentence
            yield term
            continue
        why = ""
        if term in recipe.terms:
            name, _, output = recipe.output(term)
            found = statuses(session, uses[name][0]._replace(output=output.name))
            why = f" ({max(found, key=found.__getitem__)})" if found else ""
        yield f"{term}: no pair has it{why}"


def signals_in_use(session: Session, subset: Subset, recipe: Recipe) -> Uses:
    """The newest generation of each signal's scores, by the signal's name in the recipe: of those
    that learn, the one that learnt from the subset's pool."""
    columns = export_columns(recipe)
    learns = any(signal.whole_dataset for signal in recipe.signals.values())
    pool = learning_pool(session, subset) if learns else None
    uses: dict[str, tuple[Generation, SignalUse]] = {}
    for name, signal in recipe.signals.items():
        if signal.level == Level.text:
            continue
        row = signal_row(session, subset.dataset_id, signal)
        fit = newest_fit(session, row.id, pool and pool.key) if signal.whole_dataset else None
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
    session: Session, dataset_id: uuid.UUID, recipe: Recipe, pairs: Pairs, uses: Uses
) -> dict[str, NDArray[np.float64]]:
    """Each term of the recipe by row, NaN where its cell has no value."""
    terms: dict[str, NDArray[np.float64]] = {}
    every = select(func.count()).where(Pair.dataset_id == dataset_id)
    few = len(pairs) < (session.scalar(every) or 0)  # a shard's pairs, or a filter's
    for term in recipe.terms:
        name, signal, output = recipe.output(term)
        ids = pairs.prompt_ids if signal.level == Level.prompt else pairs.ids
        cells = uses[name][0]._replace(output=output.name)
        terms[term] = load_scores(session, cells, ids, few=few)
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
