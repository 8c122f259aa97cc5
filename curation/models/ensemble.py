"""A proxy reward model: bootstrapped Bradley–Terry heads over several views, cross-fitted."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.items import Floats, Indices, Pairs
from curation.models.bradley_terry import Features, fit_heads, margins
from curation.models.device import Device
from curation.models.stacking import trusted, view_weights
from curation.models.views import RIDGE, PairFeatures, Standard


class Plan(NamedTuple):
    """How the heads are made; `views` are names of views.RIDGE. `doubted`: the share of labels that
    the heads don't learn from, those that heads which did not see them doubt most. `weighed`: views
    count by what they foretell, not all alike."""

    views: tuple[str, ...]
    folds: int
    bootstraps: int
    seed: int
    device: Device = "auto"
    doubted: float = 0.0
    weighed: bool = False


class Judgment(NamedTuple):
    """Per pair: mean and standard deviation of the heads' margins, share above 0, p(label right).

    A view's margins have mean square 1 on pairs its heads did not see, so that views add up.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    vote_share: NDArray[np.float64]
    p_correct: NDArray[np.float64]


def uniform(names: Sequence[str], salt: str) -> NDArray[np.float64]:
    """A number in [0, 1) by name: random, but the same in any order and on any machine."""
    digests = (hashlib.blake2b(f"{salt}|{name}".encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "big") >> 11 for digest in digests], float) / 2**53


def fold_of(prompt_ids: Sequence[str], plan: Plan) -> Indices:
    """The fold of each pair, by its prompt: pairs of one prompt are never apart."""
    return (uniform(prompt_ids, f"fold|{plan.seed}") * plan.folds).astype(np.int64)


def bootstrap_weights(prompt_ids: Sequence[str], plan: Plan) -> NDArray[np.float64]:
    """(n, bootstraps): how often a prompt is drawn, Poisson(1); its pairs are drawn together."""
    steps = np.cumsum(np.exp(-1.0) / np.cumprod([1.0, *range(1, 12)]))
    drawn = [uniform(prompt_ids, f"draw {b}|{plan.seed}") for b in range(plan.bootstraps)]
    return np.searchsorted(steps, np.array(drawn).T, side="right").astype(np.float64)


def training_weights(
    prompt_ids: Sequence[str], plan: Plan
) -> tuple[NDArray[np.float64], dict[tuple[int, int], int]]:
    """(n, columns) sample weights, and the column of each pair of folds left out together.

    First `bootstraps` columns a fold, without the fold; then a column for each two folds, without
    both: from those a fold's scale and temperature are learnt, so these do not see its labels.
    """
    fold = fold_of(prompt_ids, plan)
    drawn = bootstrap_weights(prompt_ids, plan)
    outer = [drawn * (fold != f)[:, None] for f in range(plan.folds)]
    twos = list(combinations(range(plan.folds), 2))
    inner = [((fold != f) & (fold != g)).astype(np.float64)[:, None] for f, g in twos]
    first = plan.folds * plan.bootstraps
    return np.hstack([*outer, *inner]), {two: first + i for i, two in enumerate(twos)}


class Fitted(NamedTuple):
    """`arrays`: what `judge` needs. `margins`: view -> (n, folds, bootstraps) of every head on the
    pairs it was fitted on and those it was not, in the order of the pairs."""

    arrays: dict[str, NDArray[Any]]
    margins: dict[str, NDArray[np.float32]]


def fit_ensemble(pairs: Pairs, plan: Plan) -> Fitted:
    """The heads and their scales. The pairs' order does not matter."""
    order = np.argsort(np.array(pairs.ids), kind="stable")
    back = np.argsort(order)
    pairs = pairs.take(order)
    features = PairFeatures(pairs)
    raw = features.standard()
    rows = {view: features.measured(view, raw) for view in plan.views}
    weights, column = training_weights(pairs.prompt_ids, plan)
    fold, first = fold_of(pairs.prompt_ids, plan), plan.folds * plan.bootstraps
    inside = np.array(  # (views, folds, n)
        [held_out(rows[view][0], weights[:, first:], view, plan, fold, column) for view in rows]
    )
    worth = np.ones((len(plan.views), plan.folds))
    outer = weights[:, :first]
    for f in range(plan.folds):
        others, mine = fold != f, slice(f * plan.bootstraps, (f + 1) * plan.bootstraps)
        if plan.weighed:
            worth[:, f] = view_weights(inside[:, f, others].T)
        margin = worth[:, f] @ inside[:, f, others]
        outer[others, mine] *= trusted(margin, plan.doubted)[:, None]
    standard = raw._replace(scale=np.array([scale for _, scale in rows.values()]))
    arrays: dict[str, NDArray[Any]] = {
        name: np.asarray(values) for name, values in standard._asdict().items()
    }
    seen_by: dict[str, NDArray[np.float32]] = {}
    for view, of_fold in zip(plan.views, worth, strict=True):
        heads, seen = judges(rows.pop(view)[0], outer, view, plan, fold, of_fold)
        arrays[f"heads_{view}"] = heads.astype(np.float32)
        shape = (len(pairs), plan.folds, plan.bootstraps)
        seen_by[view] = seen[back].astype(np.float32).reshape(shape)
    together = np.einsum("vf,vfn->fn", worth, inside) / len(plan.views)
    arrays["slope"] = np.array([slope(together[f, fold != f]) for f in range(plan.folds)])
    arrays["seen"] = np.unique(prompt_keys(pairs.prompt_ids))
    return Fitted(arrays, seen_by)


def held_out(
    rows: Features, weights: Floats, view: str, plan: Plan, fold: Indices,
    column: Mapping[tuple[int, int], int],
) -> NDArray[np.float64]:  # fmt: skip
    """(folds, n): margin of row i by a head that saw neither fold f nor i's own, mean square 1 over
    the rows; 0 for the rows of f."""
    first = plan.folds * plan.bootstraps
    seen = margins(rows, fit_heads(rows, weights, RIDGE[view], plan.device))
    found = np.zeros((plan.folds, len(fold)))
    for f in range(plan.folds):
        other = np.flatnonzero(fold != f)
        chosen = [column[min(f, g), max(f, g)] - first for g in fold[other].tolist()]
        found[f, other] = seen[other, chosen]
        found[f] /= max(root_mean(found[f, other]), 1e-12)
    return found


def judges(
    rows: Features, weights: Floats, view: str, plan: Plan, fold: Indices, worth: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The heads of a view (d, folds * bootstraps) and their margins; of mean square 1, times what
    the view is worth to fold f, on f's rows, which the heads did not see. Squares know no label."""
    heads = fit_heads(rows, weights, RIDGE[view], plan.device)
    seen = margins(rows, heads)
    for f in range(plan.folds):
        mine = slice(f * plan.bootstraps, (f + 1) * plan.bootstraps)
        own = fold == f if (fold == f).any() else slice(None)
        size = max(root_mean(seen[own, mine].mean(axis=1)), 1e-12)
        heads[:, mine] *= worth[f] / size
        seen[:, mine] *= worth[f] / size
    return heads, seen


def root_mean(values: Floats) -> float:
    return float(np.sqrt((np.asarray(values, np.float64) ** 2).mean())) if len(values) else 0.0


def slope(held_out: Floats) -> float:
    """1 / temperature of p = σ(slope · margin), by maximum likelihood; not negative."""
    column = np.asarray(held_out, np.float64)[:, None]
    return max(float(fit_heads(column, np.ones((len(column), 1)), 1e-3, "cpu").sum()), 0.0)


def prompt_keys(prompt_ids: Sequence[str]) -> NDArray[np.float64]:
    """What the fit keeps of a prompt, to know it again."""
    return uniform(prompt_ids, "seen")


def judge(pairs: Pairs, plan: Plan, arrays: Mapping[str, NDArray[Any]]) -> Judgment:
    """By the heads that did not see the pair's prompt; a prompt new to the fit, by all of them."""
    by_view = head_margins(pairs, plan, arrays)
    return combine(pairs.prompt_ids, plan, arrays, np.concatenate(list(by_view.values()), axis=2))


def head_margins(
    pairs: Pairs, plan: Plan, arrays: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float64]]:
    """View -> (n, folds, bootstraps): every head's margin, also of heads that may not be asked."""
    standard = Standard(*(arrays[name] for name in Standard._fields))
    features = PairFeatures(pairs)
    shape = (len(pairs), plan.folds, plan.bootstraps)
    return {
        view: margins(features.scaled(view, standard, plan.views), arrays[f"heads_{view}"]).reshape(
            shape
        )
        for view in plan.views
    }


def combine(
    prompt_ids: Sequence[str],
    plan: Plan,
    arrays: Mapping[str, NDArray[Any]],
    margin: NDArray[np.floating],
) -> Judgment:
    """Margins (n, folds, heads) of any views, averaged over the heads that may judge the pair."""
    n, _, heads = margin.shape
    may = heads_that_may_judge(prompt_ids, plan, arrays)
    share = np.repeat((may / may.sum(axis=1, keepdims=True))[:, :, None] / heads, heads, axis=2)
    share, margin = share.reshape(n, -1), margin.reshape(n, -1)
    mean = (share * margin).sum(axis=1)
    variance = (share * (margin - mean[:, None]) ** 2).sum(axis=1)
    votes = (share * ((margin > 0) + 0.5 * (margin == 0))).sum(axis=1)
    rate = (may * arrays["slope"]).sum(axis=1) / may.sum(axis=1)
    return Judgment(mean, np.sqrt(variance), votes.clip(0, 1), expit(rate * mean))


def heads_that_may_judge(
    prompt_ids: Sequence[str], plan: Plan, arrays: Mapping[str, NDArray[Any]]
) -> NDArray[np.bool_]:
    """(n, folds): those of the fold that a prompt is in, and all for a prompt new to the fit."""
    new = ~np.isin(prompt_keys(prompt_ids), arrays["seen"])
    return (fold_of(prompt_ids, plan)[:, None] == np.arange(plan.folds)) | new[:, None]


def measure(prompt_ids: Sequence[str], plan: Plan, fitted: Fitted) -> dict[str, float]:
    """How well the heads agree with labels they did not see: accuracy and calibration error.

    A margin of 0 counts half. These say what the margins are worth: .5 is a coin.
    """
    found: dict[str, float] = {}
    for view, margin in fitted.margins.items():
        alone = combine(prompt_ids, plan, fitted.arrays, margin)
        found[f"oof_accuracy_{view}"] = float(won(alone.mean).mean())
    together = np.concatenate(list(fitted.margins.values()), axis=2)
    judgment = combine(prompt_ids, plan, fitted.arrays, together)
    found["oof_accuracy"] = float(won(judgment.mean).mean())
    return {**found, "oof_ece": calibration_error(judgment.p_correct)}


def won(margin: Floats) -> NDArray[np.float64]:
    return (margin > 0) + 0.5 * (margin == 0)


def calibration_error(p_correct: Floats, bins: int = 10) -> float:
    """Expected calibration error of the more likely side, bins of equal counts (0 = calibrated)."""
    confidence = np.maximum(p_correct, 1 - p_correct)
    right = won(p_correct - 0.5)
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(p_correct)))
    gaps = [len(part) * abs(confidence[part].mean() - right[part].mean()) for part in parts]
    return float(sum(gaps) / len(p_correct))
