"""Columns of the table beside the posteriors: rewards, log-probabilities, orders, entropies."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A
from curation.items import Floats
from curation.noise.strength import scaled, strengths
from curation.uncertainty.decomposition import entropy
from curation.uncertainty.policy_ranking import idealised, ranking

LOGPS = ("logps", "ref_logps")  # of the policy, of the reference
UNKNOWN_RELIABILITY = 0.8  # of a voter of whom nothing is known; papers find 20 to 40 % wrong


def extra_signals(questions: Questions, reliability: Floats) -> dict[str, Floats]:
    """Name -> (n,), NaN where a signal knows nothing. `reliability` (annotators,)."""
    return {
        **rewards(questions),
        **policy(questions),
        **decomposition(questions, reliability),
        **both_orders(questions),
    }


def towards_label(questions: Questions, values: Floats) -> Floats:
    """(n, 2) of a and b -> (n,): the labelled one less the other, NaN for ties."""
    gap = values[:, 0] - values[:, 1]
    sign = np.array([1.0, -1.0, np.nan, np.nan])[questions.labels]
    return gap * sign


def rewards(questions: Questions) -> dict[str, Floats]:
    """S04: the input's reward scores as an ensemble, each model's margins of mean square 1."""
    names = [name for name in questions.scores if name not in LOGPS]
    margins = [towards_label(questions, questions.scores[name]) for name in names]
    table = np.array(margins).T.reshape(len(questions), len(names))
    table = scaled(table) if len(names) and np.isfinite(table).any() else table
    known = np.isfinite(table).sum(axis=1)
    found = strengths(table, np.zeros_like(table))
    chance = np.where(np.isfinite(table), expit(np.nan_to_num(table)), 0.0).sum(axis=1)
    return {
        "rewards.margin": np.where(known > 0, found.mean, np.nan),
        "rewards.spread": np.where(known > 1, found.std, np.nan),
        "rewards.vote_share": np.where(known > 0, found.vote, np.nan),
        "rewards.p_correct": np.where(known > 0, chance / np.maximum(known, 1), np.nan),
    }


def policy(questions: Questions) -> dict[str, Floats]:
    """S10: whether the policy ranks the labelled response first, how hard that is, and whether a
    perfectly trained one would."""
    unknown = np.full((len(questions), 2), np.nan)
    sums = [questions.scores.get(name, unknown) for name in LOGPS]
    own, reference = (towards_label(questions, each) for each in sums)
    zero = np.zeros(len(questions))
    with np.errstate(invalid="ignore"):  # of what is missing
        found = ranking(own, zero, reference, zero)
    return {
        "policy.ranked": np.where(np.isfinite(own), found.ranked, np.nan),
        "policy.difficulty": found.difficulty,
        "policy.loss_needed": found.loss_needed,
        "policy.idealised": ideally_ranked(questions, found.difficulty),
    }


def ideally_ranked(questions: Questions, difficulty: Floats) -> Floats:
    """(n,) 1 or 0: the optimum of DPO's loss prefers the labelled response. Where at least two
    voters decided; k of n of them agree with the label, their share is (k + ½) / (n + 1): some
    raters never say that all would."""
    votes = questions.votes.votes
    decided = votes.said != TIE
    n = len(questions)
    count = np.bincount(votes.items[decided], minlength=n)
    agrees = (votes.said == questions.labels[votes.items]) & decided
    share = (np.bincount(votes.items[agrees], minlength=n) + 0.5) / (count + 1)
    known = (count > 1) & np.isfinite(difficulty)
    return np.where(known, idealised(np.nan_to_num(difficulty), share) > 0, np.nan)


def decomposition(questions: Questions, reliability: Floats) -> dict[str, Floats]:
    """S12 over the votes of a pair: a voter's answer is as sure as the voter is reliable. `total` =
    `expected` (how unsure each voter is) + `mutual` (how far they differ), in bits."""
    votes = questions.votes.votes
    trust = np.where(np.isfinite(reliability), reliability, UNKNOWN_RELIABILITY)[votes.annotators]
    p_a = np.where(votes.said == TIE, 0.5, np.where(votes.said == A, trust, 1 - trust))
    n = len(questions)
    count = np.bincount(votes.items, minlength=n)
    several = count > 1
    mean = np.bincount(votes.items, p_a, n) / np.maximum(count, 1)
    total = entropy(np.column_stack([mean, 1 - mean]))
    bits = entropy(np.column_stack([p_a, 1 - p_a]))
    expected = np.bincount(votes.items, bits, n) / np.maximum(count, 1)
    return {
        "decomposition.total": np.where(several, total, np.nan),
        "decomposition.expected": np.where(several, expected, np.nan),
        "decomposition.mutual": np.where(several, np.maximum(total - expected, 0.0), np.nan),
    }


def both_orders(questions: Questions) -> dict[str, Floats]:
    """S14: of the judges that saw a pair both ways round: how many, the share that said the same,
    and P(a) by what they then said (a tie where they did not)."""
    items, verdicts = swapped_verdicts(questions)
    n = len(questions)
    judges = np.bincount(items, minlength=n)
    same = np.bincount(items, verdicts.consistent, n)
    for_a = np.bincount(items, np.array([1.0, 0.0, 0.5])[verdicts.said], n)
    asked = judges > 0
    return {
        "both_orders.judges": np.where(asked, judges, np.nan),
        "both_orders.consistent": np.where(asked, same / np.maximum(judges, 1), np.nan),
        "both_orders.p_a": np.where(asked, for_a / np.maximum(judges, 1), np.nan),
    }


class Verdicts:
    """(m,) each: `annotators`, whether they were `consistent`, what they `said`: TIE if not."""

    def __init__(
        self, annotators: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
    ) -> None:
        self.annotators, self.consistent = annotators, one == other
        self.said = np.where(self.consistent, one, TIE)


def swapped_verdicts(questions: Questions) -> tuple[NDArray[np.int64], Verdicts]:
    """(m,) items that one annotator judged in both orders, and the verdicts; of several judgments
    in one order the first counts."""
    votes, first = questions.votes.votes, questions.votes.first
    key = votes.items * max(votes.n_annotators, 1) + votes.annotators
    rows = [np.flatnonzero(first > 0), np.flatnonzero(first < 0)]
    seen = [each[np.unique(key[each], return_index=True)[1]] for each in rows]
    both, left, right = np.intersect1d(key[seen[0]], key[seen[1]], return_indices=True)
    one, other = votes.said[seen[0]][left], votes.said[seen[1]][right]
    items, who = np.divmod(np.asarray(both, np.int64), max(votes.n_annotators, 1))
    return items, Verdicts(who, one, other)
