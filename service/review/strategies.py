"""In which order open pairs wait: by information, by likeness to errors, or by who should judge."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from curation.items import Floats
from curation.review.error_driven import heard, pair_vectors, similar_to_errors
from curation.review.hybrid import HUMAN, MODELS, STANDS, Prices, Routed, routed
from curation.review.retrieval import K_MAX
from service.errors import Conflict, Invalid
from service.review.current import Review
from service.review.items import waiting
from service.review.reasons import told
from service.review.state import State

Strategy: TypeAlias = Literal["information", "error_driven", "routing"]
OPTIONS = {"error_driven": ("k_max",), "routing": ("budget", "human_cost", "model_cost", "cost")}


class Wanted(NamedTuple):
    """`cost`: what a label of a model costs, by name; `model_cost` that of all others, None: they
    can't be asked."""

    strategy: Strategy = "information"
    k_max: int | None = None
    budget: float | None = None
    human_cost: float | None = None
    model_cost: float | None = None
    cost: Mapping[str, float] = {}


class Queue(NamedTuple):
    """`rows` in their order; `about` each, by row, what the strategy says beside; `summary` of
    all, None by information."""

    rows: NDArray[np.int64]
    about: Mapping[int, dict[str, Any]] = {}
    summary: dict[str, Any] | None = None


def queue_of(session: Session, review: Review, wanted: Wanted) -> Queue:
    """Raises Invalid for options of another strategy or wrong ones, and Conflict where the data
    has not what the strategy needs: `nothing_verified`, `no_texts`, `no_model_annotators`."""
    for strategy, names in OPTIONS.items():
        for name in names:
            if getattr(wanted, name) and wanted.strategy != strategy:
                detail = f"{name} is for strategy={strategy}"
                raise Invalid(detail, code="wrong_options", field=name)
    rows = waiting(session, review)
    if wanted.strategy == "error_driven":
        return by_errors(review, rows, wanted.k_max or K_MAX)
    if wanted.strategy == "routing":
        return by_routing(review, rows, wanted)
    return Queue(rows)


def by_errors(review: Review, rows: NDArray[np.int64], k_max: int) -> Queue:
    state, known = review.state, review.now.anchors
    if state.lexical is None:
        detail = "strategy=error_driven compares texts: this audit has none, or is of before it"
        raise Conflict(f"{detail}; audit again, or take another strategy", code="no_texts")
    if not len(known.items):
        detail = "strategy=error_driven starts from verified pairs, and nothing is verified"
        raise Conflict(f"{detail}: judge some by strategy=information", code="nothing_verified")
    vectors = pair_vectors(state.lexical.surroundings, state.lexical.leans, state.questions.labels)
    names = [f"{row:012}" for row in range(len(state))]
    found = similar_to_errors(vectors, believed(review), known, np.sort(rows), names, k_max)
    about: dict[int, dict[str, Any]] = {}
    for row, to, similarity, p in zip(*(each.tolist() for each in found), strict=True):
        why = (
            f"resembles {state.id(to)} (cosine {similarity:.2f}), "
            f"whose verified side was believed with P {told(p)}"
        )
        said = {"item": state.id(to), "similarity": similarity, "p_correct": p}
        about[row] = {"resembles": said, "why": why}
    p_a = believed(review)[known.items]
    erred = int((np.where(known.a_better, p_a, 1 - p_a) <= 0.5).sum())
    return Queue(found.rows, about, {"verified": len(known.items), "erred": erred})


def believed(review: Review) -> Floats:
    """(n,) P(a better) before anything was verified: what the audit found, and of its anchors,
    which it knew, what the votes say."""
    state = review.state
    p_a = state.p_a.copy()
    p_a[state.anchors.items] = heard(state.questions, state.reliability)[state.anchors.items]
    return p_a


def by_routing(review: Review, rows: NDArray[np.int64], wanted: Wanted) -> Queue:
    state, now = review.state, review.now
    kinds, names = state.questions.votes.kinds, state.questions.votes.names
    if len(kinds) and not any(kinds):
        detail = f"audit {review.audit.id} is of before strategy=routing: audit again"
        raise Conflict(detail, code="audit_without_review")
    if not any(kind in MODELS for kind in kinds):
        have = ", ".join(sorted({*kinds})) or "nobody"
        detail = f"strategy=routing shares work between humans and models; here judged: {have}"
        raise Conflict(f"{detail}, and no model did", code="no_model_annotators")
    prices = prices_of(kinds, names, wanted)
    assert wanted.budget is not None
    measures = None if state.lexical is None else state.lexical.measures
    found = routed(
        now.questions, now.posterior, now.anchors, kinds, measures, prices, wanted.budget, rows
    )
    return Queue(found.rows, routes(state, found), summary_of(found, wanted.budget))


def prices_of(kinds: Sequence[str], names: Sequence[str], wanted: Wanted) -> Prices:
    if wanted.budget is None:
        detail = "strategy=routing needs a budget, in the unit of the costs (a human label: 1)"
        raise Invalid(detail, code="budget_missing", field="budget")
    models = [name for name, kind in zip(names, kinds, strict=True) if kind in MODELS]
    unknown = [name for name in wanted.cost if name not in models]
    if unknown:
        detail = f"no model annotator {unknown[0]!r}; there are: {', '.join(sorted(models))}"
        raise Invalid(detail, code="unknown_annotator", field="cost", models=sorted(models))
    general = np.nan if wanted.model_cost is None else wanted.model_cost
    each = [
        wanted.cost.get(name, general) if kind in MODELS else np.nan
        for name, kind in zip(names, kinds, strict=True)
    ]
    human = 1.0 if wanted.human_cost is None else wanted.human_cost
    prices = Prices(human, np.array(each, np.float64))
    if not human > 0 or bool((prices.models <= 0).any()):
        raise Invalid("every cost is more than 0", code="wrong_options", field="cost")
    return prices


def routes(state: State, found: Routed) -> dict[int, dict[str, Any]]:
    names = [*state.questions.votes.names]
    about: dict[int, dict[str, Any]] = {}
    columns = (found.rows, found.who, found.voice, found.cost, found.before, found.after)
    for row, who, voice, cost, before, after in zip(*(c.tolist() for c in columns), strict=True):
        named = who if who >= 0 else voice
        annotator = names[named] if who != HUMAN and named >= 0 else None
        to = "human" if who == HUMAN else "model" if annotator is not None else "nobody"
        about[row] = {
            "route": {
                "to": to,
                "annotator": annotator,
                "ask": who != STANDS,
                "cost": cost,
                "p_right": after,
                "gain": after - before,
            },
            "why": sentence(to, annotator, who != STANDS, before, after),
        }
    return about


def sentence(to: str, annotator: str | None, ask: bool, before: float, after: float) -> str:
    now = f"right with P {told(before)} as it stands"
    if to == "human":
        return f"ask a human: {now}, settled by a verdict"
    if ask:
        return f"ask {annotator}: {now}, {told(after).removeprefix('= ')} with its label"
    if to == "model":
        return f"{annotator} has judged it: {now}; the budget gains more elsewhere"
    return f"nobody more: {now}; the budget gains more elsewhere"


def summary_of(found: Routed, budget: float) -> dict[str, Any]:
    gained = float((found.after - found.before).sum())
    return {
        "budget": budget,
        "spent": float(found.cost.sum()),
        "humans": int((found.who == HUMAN).sum()),
        "models": int((found.who >= 0).sum()),
        "stand": int((found.who == STANDS).sum()),
        "gained": gained,
        "at_most": max(found.bound, gained),
        "features_tell": None if np.isnan(found.told) else found.told,
    }
