"""What a selection would take and cost, counted before anything is made."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from curation.items import Pairs, View
from curation.pairing import PairPolicy
from curation.recipes import Budget, Recipe
from curation.recipes.cost import PER_THOUSAND, TEXT
from curation.signals import Level, Signal
from service.cells import newest_fit
from service.columns import load_pairs, view_texts
from service.composing.asked import asked_of
from service.composing.costs import ESTIMATE, tokens_of
from service.composing.learning import LearningPool, learning_pool
from service.composing.pool import candidates, policy_of, pooled
from service.labels.pair_builds import labels_sha256, newest_build, preview
from service.tables.pairs import Pair
from service.tables.scores import EmbeddingModel, EmbeddingRow, Score, SignalRow
from service.tables.subsets import Subset

SAMPLED = 1000  # pairs whose tokens are counted and whose texts are looked up
IDS = cast(Pair.id, String)
PROMPTS = 20_000  # that a policy is tried on


class Counted(NamedTuple):
    """`pairs` that can be selected; None where they are to be built first and then filtered."""

    candidates: int
    pairs: int | None
    report: dict[str, Any] | None  # of the policy, where its pairs are not there yet
    sample: Pairs
    learns_from: LearningPool | None = None


def look(
    session: Session, workspace_id: uuid.UUID, subset: Subset, recipe: Recipe
) -> dict[str, Any]:
    """The answer to a request with `preview`. `subset` is pending and of no session."""
    found = count(session, subset)
    signals = [
        to_score(session, workspace_id, subset.dataset_id, name, signal, found)
        for name, signal in recipe.signals.items()
    ]
    seconds = [each["seconds"] for each in signals]
    refused: dict[str, int] = {}
    if found.report is not None:
        refused |= found.report["skipped"] | {"tie": found.report["ties"]}
    elif found.pairs is not None and found.candidates > found.pairs:
        refused["not_in_filter"] = found.candidates - found.pairs
    return {
        "candidates": found.candidates,
        "pairs": found.pairs,
        "pairs_are_built": found.report is None,
        "refused": {reason: many for reason, many in refused.items() if many},
        "keeps": keeps(Budget.parse(subset.budget), found),
        "signals": signals,
        "seconds": None if None in seconds else round(sum(seconds), 1),
    }


def count(session: Session, subset: Subset) -> Counted:
    policy = policy_of(subset)
    if policy is not None and not is_built(session, subset.dataset_id, policy):
        report = preview(session, subset.dataset_id, policy, PROMPTS)
        if report["pairs"] or asked_of(subset).policy is not None:
            every = select(IDS).where(Pair.dataset_id == subset.dataset_id)
            some = sample_of(session, subset, every)
            pairs = None if asked_of(subset).where else report["pairs"]
            return Counted(report["pairs"], pairs, report, some)
    every, kept = candidates(session, subset, IDS), pooled(session, subset, IDS)
    sample = sample_of(session, subset, kept)
    pool = learning_pool(session, subset)
    return Counted(size(session, every), size(session, kept), None, sample, pool)


def is_built(session: Session, dataset_id: uuid.UUID, policy: PairPolicy) -> bool:
    """Whether the policy has built of the labels as they are."""
    newest = newest_build(session, dataset_id, policy)
    return newest is not None and newest.labels_sha256 == labels_sha256(session, dataset_id)


def sample_of(session: Session, subset: Subset, query: Any) -> Pairs:
    """Ids are hashes: the first of them are a uniform sample."""
    ids = list(session.scalars(query.order_by(Pair.id).limit(SAMPLED)))
    return load_pairs(session, subset.dataset_id, ids)


def size(session: Session, ids: Any) -> int:
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0


def keeps(budget: Budget, found: Counted) -> dict[str, Any]:
    """Pairs, tokens and dollars of the subset; tokens and what follows from them by a sample."""
    sampled = tokens_of(found.sample, None)
    mean = float(sampled.mean()) if len(sampled) else None
    pairs, tokens, limit = found.pairs, None, budget.token_limit
    if limit is not None and pairs is not None and mean:
        tokens = min(float(limit), mean * pairs)
        pairs = int(tokens / mean)
    elif limit is None and pairs is not None:
        pairs = budget.count(pairs)
        tokens = None if mean is None else mean * pairs
    units = pairs if budget.price and budget.price.unit == "pair" else tokens
    return {
        "pairs": pairs,
        "tokens": None if tokens is None else round(tokens),
        "tokens_counted_by": f"{ESTIMATE}, by {len(sampled)} pairs",
        "dollars": budget.price.of(round(units)) if budget.price and units is not None else None,
    }


def to_score(
    session: Session,
    workspace_id: uuid.UUID,
    dataset_id: uuid.UUID,
    name: str,
    signal: Signal,
    found: Counted,
) -> dict[str, Any]:
    """What the signal would compute: `missing` of `items`, and `texts` without a vector."""
    kind = str(signal.model_dump()["kind"])
    pool = found.learns_from if signal.whole_dataset else None
    items = items_of(session, dataset_id, signal, found)
    scored = 0 if signal.level == Level.text else cells(session, dataset_id, signal, pool)
    missing = max(items - scored, 0)
    texts = texts_missing(session, workspace_id, signal, found, items)
    known = signal.level == Level.text or kind in PER_THOUSAND
    seconds = missing * PER_THOUSAND.get(kind, 0.0) / 1000 + texts * TEXT / 1000
    return {
        "name": name,
        "kind": kind,
        "level": str(signal.level),
        "items": items,
        "missing": texts if signal.level == Level.text else missing,
        "texts": texts,
        "seconds": round(seconds, 1) if known else None,
    }


def items_of(session: Session, dataset_id: uuid.UUID, signal: Signal, found: Counted) -> int:
    """Signals score all pairs of a dataset, and their prompts; those that learn, the pool's."""
    column: Any = Pair.prompt_id.distinct() if signal.level == Level.prompt else Pair.id
    if signal.whole_dataset and found.learns_from is not None:
        own = pooled(session, found.learns_from.subset, func.count(column))
        return session.scalar(own) or 0
    there = session.scalar(select(func.count(column)).where(Pair.dataset_id == dataset_id)) or 0
    report = found.report or {}
    built = report.get("prompts_paired" if signal.level == Level.prompt else "pairs") or 0
    return built if report and signal.whole_dataset else there + built


def cells(
    session: Session, dataset_id: uuid.UUID, signal: Signal, pool: LearningPool | None
) -> int:
    """Items that have a cell of the signal's newest generation."""
    own = (SignalRow.dataset_id == dataset_id, SignalRow.identity == signal.identity())
    row = session.scalars(select(SignalRow).where(*own)).one_or_none()
    if row is None:
        return 0
    fit = newest_fit(session, row.id, pool and pool.key) if signal.whole_dataset else None
    counted = select(func.count()).where(
        Score.signal_id == row.id,
        Score.fit_id.is_not_distinct_from(fit.id if fit else None),
        Score.output == signal.outputs[0].name,
    )
    return session.scalar(counted) or 0


def texts_missing(
    session: Session, workspace_id: uuid.UUID, signal: Signal, found: Counted, items: int
) -> int:
    """Texts to embed, by the share of the sample's that have no vector."""
    text_level = signal.level == Level.text
    embedder = signal if text_level else getattr(signal, "embedder", None)
    if embedder is None or not len(found.sample):
        return 0
    views = list(View) if text_level else list(signal.views)
    model = select(EmbeddingModel.id).where(
        EmbeddingModel.workspace_id == workspace_id,
        EmbeddingModel.identity == embedder.identity(),
    )
    lacking = sum(absent(session, model, found.sample, view) for view in views)
    return round(lacking / len(found.sample) * items)


def absent(session: Session, model: Any, sample: Pairs, view: View) -> int:
    names: Sequence[str] = list(dict.fromkeys(view_texts(sample, view).ids))
    there = select(func.count()).where(
        EmbeddingRow.model_id.in_(model), EmbeddingRow.text_id.in_(map(uuid.UUID, names))
    )
    return len(names) - (session.scalar(there) or 0)
