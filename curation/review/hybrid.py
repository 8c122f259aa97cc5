"""L06 as an order of review: each open pair goes to a human, to a model, or keeps its label."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from curation.audit.posterior import PRIOR, Posterior
from curation.audit.questions import Questions
from curation.consensus.votes import A, Anchors, B
from curation.items import Floats
from curation.review.allocation import NOBODY, allocate
from curation.review.error_driven import heard
from curation.review.routing import gains, learn_gains, random_mixes, thirds

HUMAN, STANDS = -1, -2  # beside the numbers of annotators
MODELS = ("model", "score")  # kinds of annotators that can be asked at a price
LEAST_KNOWN = 20  # verified pairs from which features say where models err
MIXES, FOLDS = 300, 5
EDGE = 0.02  # of how often models err where a feature holds


class Prices(NamedTuple):
    """Of one label: a human's, and each annotator's (annotators,), NaN where it can't be asked."""

    human: float
    models: Floats


class Routed(NamedTuple):
    """(m,) each, in the order of the queue: `rows`; `who` an annotator's number, HUMAN, or STANDS;
    `voice` the model whose label stands, −1 where none spoke; `cost`; P(right) `before` and
    `after`. `bound` on what any routing gains; `told` by features, see `error_shift`."""

    rows: NDArray[np.int64]
    who: NDArray[np.int64]
    voice: NDArray[np.int64]
    cost: Floats
    before: Floats
    after: Floats
    bound: float
    told: float


def routed(
    questions: Questions,
    found: Posterior,
    known: Anchors,
    kinds: Sequence[str],
    measures: Floats | None,
    prices: Prices,
    budget: float,
    rows: NDArray[np.int64],
) -> Routed:
    """`rows` are open. A verdict settles a pair; a label that is right with r raises P(right) from
    q to max(q, r), whatever it says, so that a human gains 1 − q and a model r − q.

    A model that has judged a pair can't be asked again. Both q and r are moved, on the scale of
    log-odds, by what the pair's features say of how often models err (`error_shift`). Under the
    budget the sum of the gains is the most there is: see `allocate`.
    Miranda et al., Hybrid Preferences, arXiv 2410.19133.
    """
    shift, told = error_shift(questions, found, known, kinds, measures)
    p_a = found.p_a[rows]
    before = expit(logit(np.clip(np.maximum(p_a, 1 - p_a), 0.5, 1 - 1e-6)) + shift[rows])
    model, right, price = best_models(questions, found.reliability, prices, shift, rows)
    gain = np.column_stack([1 - before, right - before[:, None]])
    costs = np.column_stack([np.full(len(rows), prices.human), np.tile(price, (len(rows), 1))])
    bought = allocate(gain, costs, budget)
    who = np.where(bought.chosen == 0, HUMAN, STANDS)
    asked = np.flatnonzero(bought.chosen > 0)
    who[asked] = model[asked, bought.chosen[asked] - 1]
    paid = np.flatnonzero(bought.chosen != NOBODY)
    cost, after = np.zeros(len(rows)), before.copy()
    cost[paid] = costs[paid, bought.chosen[paid]]
    after[paid] += gain[paid, bought.chosen[paid]]
    voice = standing(questions, found, kinds)[rows]
    order = np.lexsort((rows, before, before - after, stage(who)))
    return Routed(
        rows[order], who[order], voice[order], cost[order], before[order], after[order],
        bought.bound, told,
    )  # fmt: skip


def stage(who: NDArray[np.int64]) -> NDArray[np.int64]:
    """Humans first, then models to be asked, then what stands."""
    return np.where(who == HUMAN, 0, np.where(who == STANDS, 2, 1))


def best_models(
    questions: Questions,
    reliability: Floats,
    prices: Prices,
    shift: Floats,
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Of each pair and price the model that is rightest of those that have not judged it:
    (m, prices) its number, its P(right), −inf where there is none; and the prices (prices,)."""
    votes = questions.votes.votes
    judged = set(zip(votes.items.tolist(), votes.annotators.tolist(), strict=True))
    price = np.unique(prices.models[np.isfinite(prices.models)])
    model = np.full((len(rows), len(price)), NOBODY)
    worth = np.full((len(rows), len(price)), -np.inf)
    sure = np.where(np.isnan(reliability), PRIOR, reliability)
    for column, each in enumerate(price.tolist()):
        offered = np.flatnonzero(prices.models == each)
        offered = offered[np.argsort(-sure[offered], kind="stable")].tolist()
        for at, row in enumerate(rows.tolist()):
            who = next((one for one in offered if (row, one) not in judged), NOBODY)
            if who != NOBODY:
                model[at, column] = who
                right = logit(np.clip(sure[who], EDGE, 1 - EDGE)) + shift[row]
                worth[at, column] = expit(right)
    return model, worth, price


def standing(questions: Questions, found: Posterior, kinds: Sequence[str]) -> NDArray[np.int64]:
    """(n,) the most reliable model that says what is likeliest; −1 where none does."""
    votes = questions.votes.votes
    likely = np.where(found.p_a > 0.5, A, B)
    is_model = np.isin(np.asarray(kinds, np.str_), MODELS)
    says = np.flatnonzero(is_model[votes.annotators] & (votes.said == likely[votes.items]))
    sure = np.nan_to_num(found.reliability, nan=PRIOR)[votes.annotators[says]]
    order = says[np.lexsort((-votes.annotators[says], sure))]  # the last one written stays
    voice = np.full(votes.n_items, -1)
    voice[votes.items[order]] = votes.annotators[order]
    return voice


def error_shift(
    questions: Questions,
    found: Posterior,
    known: Anchors,
    kinds: Sequence[str],
    measures: Floats | None,
) -> tuple[Floats, float]:
    """(n,) what a pair's features add to the log-odds that models are right about it; and by how
    much they say better on verified pairs that they were not learnt from, in nats a pair.

    Zeros without texts, below 20 verified pairs (NaN), and where the features say nothing that
    holds beyond the pairs that they were learnt from.
    """
    n, rows = len(questions), known.items
    if measures is None or len(rows) < LEAST_KNOWN:
        return np.zeros(n), float("nan")
    features = np.hstack([thirds(column) for column in measures.T])
    p_a = heard(questions, np.where(np.isin(kinds, MODELS), found.reliability, 0.5))
    wrong = (p_a[rows] > 0.5) != known.a_better
    gain, error = gain_of_features(features[rows], wrong)
    if not gain > 2 * error:
        return np.zeros(n), gain
    err = error_rates(features[rows], wrong, features)
    return logit(clipped(wrong.mean())) - logit(err), gain


def gain_of_features(features: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> tuple[float, float]:
    """Out of fold, the mean log-likelihood by the features less that by the rate alone, and its
    standard error."""
    n = len(wrong)
    fold = np.random.default_rng(0).permutation(n) % FOLDS
    better = np.zeros(n)
    for each in range(FOLDS):
        seen, held = fold != each, fold == each
        told = error_rates(features[seen], wrong[seen], features[held])
        rate = clipped(wrong[seen].mean())
        better[held] = np.where(wrong[held], np.log(told / rate), np.log((1 - told) / (1 - rate)))
    return float(better.mean()), float(better.std() / np.sqrt(n))


def error_rates(
    known: NDArray[np.bool_], wrong: NDArray[np.bool_], features: NDArray[np.bool_]
) -> Floats:
    """How often models err on pairs of these features, by those where it is known.

    Random mixes of human and model labels over the verified pairs, the share of right labels that
    each reaches, and a ridge regression of it on the features of the pairs that humans label: the
    coefficients say where a human label gains most. The share of right labels stands in for a
    reward model trained on each mix, which takes thousands of verified pairs.
    """

    def performance(human: NDArray[np.bool_]) -> float:
        return float(1 - wrong[~human].sum() / len(wrong))

    learnt = learn_gains(known, random_mixes(known, MIXES, 0), performance)
    base = wrong.mean() - gains(known, learnt.coefficients).mean() * len(wrong)
    return clipped(base + gains(features, learnt.coefficients) * len(wrong))


def clipped(rate: Any) -> Any:
    return np.clip(rate, EDGE, 1 - EDGE)
