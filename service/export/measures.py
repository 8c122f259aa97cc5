"""Measures a subset against its pool: the numbers of the report."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import ARRAY, UUID, Select, all_, any_, case, cast, select, text
from sqlalchemy.orm import Session

from curation.text import render
from service.export import source
from service.export.relabelling import AS_GIVEN, Told
from service.export.source import ScoreKey
from service.report.report import Change, Counts, Example, Histogram, RecipeLine, Report, Scorer
from service.tables.pairs import Pair
from service.tables.scores import Score
from service.tables.subsets import Subset, SubsetItem

EXAMPLES = 5
EXAMPLE_CHARACTERS = 1200
BINS = 40
MARGIN, P_CORRECT = "margin_mean", "p_correct"

# Sums are exact (integers, numeric), so the order in which rows come changes no digit.
MEASURED = """
WITH measured AS (
    SELECT p.prompt_id, p.content_id, p.agreement, p.votes, q.turns, c.length AS chosen,
           r.length AS rejected
    FROM subset_items i
    JOIN pairs p ON p.dataset_id = :dataset AND p.id = i.pair_id
    CROSS JOIN LATERAL (
        SELECT jsonb_array_length(messages) AS turns FROM prompts
        WHERE dataset_id = p.dataset_id AND id = p.prompt_id
    ) q
    LEFT JOIN unnest(CAST(:flipped AS uuid[])) AS f(id) ON f.id = p.id
    LEFT JOIN unnest(CAST(:left_out AS uuid[])) AS o(id) ON o.id = p.id
    CROSS JOIN LATERAL (
        {lengths} AND id = CASE WHEN f.id IS NULL THEN p.chosen_id ELSE p.rejected_id END
    ) c
    CROSS JOIN LATERAL (
        {lengths} AND id = CASE WHEN f.id IS NULL THEN p.rejected_id ELSE p.chosen_id END
    ) r
    WHERE i.subset_id = :subset AND o.id IS NULL AND (NOT :kept_only OR i.rank IS NOT NULL)
)
"""
LENGTHS = """
SELECT coalesce(length(text), (
    SELECT sum(length(turn ->> 'content')) FROM jsonb_array_elements(messages) AS turn
), 0) AS length FROM responses WHERE dataset_id = p.dataset_id"""
COLUMNS = (
    ("pairs", "pairs", "count(*)"),
    ("prompts", "pairs", "count(DISTINCT prompt_id)"),
    ("mean length of chosen, in characters", "characters", "avg(chosen)"),
    ("mean length of rejected, in characters", "characters", "avg(rejected)"),
    (
        "median length ratio, chosen to rejected", "ratio",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY chosen::float8 / greatest(rejected, 1))",
    ),
    ("chosen is the longer one", "share", "avg((chosen > rejected)::int)"),
    ("an answer is empty", "share", "avg((chosen = 0 OR rejected = 0)::int)"),
    ("the prompt is a dialogue", "share", "avg((turns > 1)::int)"),
    (
        "repeats the two texts of another pair", "share",
        "1 - count(DISTINCT content_id)::numeric / nullif(count(*), 0)",
    ),
    ("votes a pair", "ratio", "avg(votes)"),
    ("agreement of the votes", "share", "avg(agreement::numeric)"),
)  # fmt: skip


def measure(session: Session, subset: Subset, told: Told = AS_GIVEN) -> Report:
    """Everything but the splits, which are counted while they are written. `told` turns and leaves
    out pairs as their labels leave: what is said of the pool stays as it was given."""
    manifest = source.manifest_of(subset)
    uploads = source.uploads(session, subset.dataset_id)
    keys = source.score_keys(session, subset)
    return Report(
        recipe=recipe_line(subset),
        budget=subset.budget,
        seed=subset.seed,
        counts=Counts(
            rows_in=sum(upload.rows_in or 0 for upload in uploads),
            rejected=sum(upload.rejected or 0 for upload in uploads),
            pairs=subset.pool or 0,
            kept=subset.size or 0,
            prompts=manifest.prompts,
            prompts_kept=manifest.prompts_kept,
        ),
        evaluation=subset.evaluation,
        scorers=tuple(scorer(key) for key in keys),
        composition=composition(session, subset, told),
        margins=histogram(session, subset, keys, told),
        reasons=dict(sorted(manifest.reasons.items(), key=lambda each: (-each[1], each[0]))),
        rejects=source.reject_counts(session, subset.dataset_id),
        degraded=manifest.degraded,
        expects=manifest.expects,
        top=best(session, subset, keys, told),
        suspects=suspects(session, subset, keys, told),
    )


def recipe_line(subset: Subset) -> RecipeLine:
    recipe = subset.recipe
    return RecipeLine(
        id=recipe["id"],
        version=recipe["version"],
        title=recipe["title"],
        paper=recipe.get("paper"),
        sha256=subset.recipe_sha256,
    )


def scorer(key: ScoreKey) -> Scorer:
    use = key.use
    return Scorer(
        name=use.name,
        kind=use.kind,
        identity=use.identity,
        columns=tuple(use.columns.values()),
        metrics=use.fit.metrics if use.fit else {},
        statuses=use.statuses,
    )


def composition(session: Session, subset: Subset, told: Told) -> tuple[Change, ...]:
    sums = ", ".join(f"({sql})::float8" for _, _, sql in COLUMNS)
    query = text(f"{MEASURED.format(lengths=LENGTHS)} SELECT {sums} FROM measured")
    given = {"dataset": subset.dataset_id, "subset": subset.id}
    before, after = (
        session.execute(
            query,
            {**given, "kept_only": kept_only, **each.arrays()},
        ).one()
        for kept_only, each in ((False, AS_GIVEN), (True, told))
    )
    return tuple(
        Change(name=name, unit=unit, before=tidy(before[i]), after=tidy(after[i]))
        for i, (name, unit, _) in enumerate(COLUMNS)
    )


def tidy(value: float | None) -> float | None:
    """Six significant digits: more would say more than was measured."""
    return None if value is None else float(f"{value:.6g}")


def key_of(keys: Sequence[ScoreKey], output: str) -> ScoreKey | None:
    return next((key for key in keys if output in key.use.columns), None)


def cells(key: ScoreKey, subset: Subset, output: str) -> Select[SubsetItem, float | None]:
    """Items of the subset with their value of one output of a pair-level signal."""
    return (
        select(SubsetItem, Score.value)
        .join(Score, Score.item_id == SubsetItem.pair_id)
        .where(SubsetItem.subset_id == subset.id, Score.value.is_not(None))
        .where(Score.signal_id == key.signal_id, Score.output == output)
        .where(Score.fit_id.is_not_distinct_from(key.fit_id))
    )


def histogram(
    session: Session, subset: Subset, keys: Sequence[ScoreKey], told: Told
) -> Histogram | None:
    """The margin of kept and dropped pairs; None where no signal of the recipe has one. That of a
    turned pair has the other sign."""
    key = key_of(keys, MARGIN)
    if key is None:
        return None
    columns = (SubsetItem.pair_id, SubsetItem.rank, Score.value)
    rows = session.execute(cells(key, subset, MARGIN).with_only_columns(*columns))
    found = [
        (rank is not None, (value or 0.0) * (-1 if id in told.flipped else 1))
        for id, rank, value in rows
        if id not in told.left_out
    ]
    if not found:
        return None
    kept = np.array([each[0] for each in found])
    values = np.array([each[1] for each in found])
    edges = np.histogram_bin_edges(values, BINS)
    return Histogram(
        name=MARGIN,
        edges=tuple(float(f"{edge:.6g}") for edge in edges),
        kept=tuple(np.histogram(values[kept], edges)[0].tolist()),
        dropped=tuple(np.histogram(values[~kept], edges)[0].tolist()),
    )


def best(
    session: Session, subset: Subset, keys: Sequence[ScoreKey], told: Told
) -> tuple[Example, ...]:
    """The first pairs in the order of selection, of those that leave."""
    query = source.texts(subset).where(SubsetItem.rank.is_not(None)).order_by(SubsetItem.rank)
    query = query.where(Pair.id != all_(cast([*told.left_out], ARRAY(UUID))))
    found = session.execute(query.limit(EXAMPLES)).all()
    key = key_of(keys, MARGIN)
    values = source.cells(session, [key] if key else [], [record[1] for record in found])
    column = key.use.columns[MARGIN] if key else ""
    margins = {id: values[id].get(column) for id in values}
    for id in margins.keys() & told.flipped:
        margins[id] = None if (margin := margins[id]) is None else -margin
    return tuple(example(record, margins[record[1].id], told) for record in found)


def suspects(
    session: Session, subset: Subset, keys: Sequence[ScoreKey], told: Told
) -> tuple[Example, ...]:
    """The pairs of the pool whose label is least probably right; of a turned pair, the label that
    it has now."""
    key = key_of(keys, P_CORRECT)
    if key is None:
        return ()
    turned = SubsetItem.pair_id == any_(cast([*told.flipped], ARRAY(UUID)))
    value = case((turned, 1 - Score.value), else_=Score.value)
    lowest = (
        cells(key, subset, P_CORRECT)
        .with_only_columns(SubsetItem, value)
        .where(SubsetItem.pair_id != all_(cast([*told.left_out], ARRAY(UUID))))
        .order_by(value, SubsetItem.pair_id)
    )
    ranked = session.execute(lowest.limit(EXAMPLES)).all()
    wanted = [item.pair_id for item, _ in ranked]
    query = source.texts(subset).where(SubsetItem.pair_id.in_(wanted))
    records = {record[0].pair_id: record for record in session.execute(query)}
    return tuple(example(records[item.pair_id], p, told) for item, p in ranked)


def example(record: Any, value: float | None, told: Told) -> Example:
    item, pair, prompt, chosen, rejected, sha256 = record
    if pair.id in told.flipped:
        chosen, rejected = rejected, chosen
    return Example(
        pair_id=str(pair.id),
        source=source.source(sha256, pair.line),
        prompt=excerpt(prompt, keep_end=True),
        chosen=excerpt(source.answer(chosen)),
        rejected=excerpt(source.answer(rejected)),
        rank=item.rank,
        reason=item.reason,
        value=tidy(value),
    )


def excerpt(messages: Sequence[Any], *, keep_end: bool = False) -> str:
    """The rendered messages, cut; of a prompt the end says what is asked."""
    text = render(messages)
    if len(text) <= EXAMPLE_CHARACTERS:
        return text
    return f"… {text[-EXAMPLE_CHARACTERS:]}" if keep_end else f"{text[:EXAMPLE_CHARACTERS]} …"
