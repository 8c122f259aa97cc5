"""A few verified answers say whom to believe: a ridge Bradley–Terry head over the votes."""

import numpy as np

from curation.consensus.votes import Anchors, Consensus, Votes
from curation.items import Floats
from curation.structure import logistic

RIDGES = np.geomspace(0.03, 30, 13)
FEW = 8  # anchors below which the ridge is not chosen but fixed
FIXED_RIDGE = 3.0
WIDE = 1000  # both anchors and annotators: above it Newton's method in numpy is too slow
JITTER = 1e-11


def anchored(votes: Votes, anchors: Anchors, ridge: float | None = None) -> Consensus:
    """P(a better) = σ(votes · w), w from the anchors alone, shrunk towards an equal vote.

    Annotators that agree with each other share their weight, so that a crowd with one bias counts
    as one voice: log-odds of each one's accuracy would count it many times. The ridge is chosen
    by leave-one-out likelihood of the anchors where there are at least 8. A reliability is the
    share of an annotator's votes that the answer confirms. On LLMBar with 30 anchors it finds 20 %
    flips with AUROC .968, log-odds weights .935, one-coin EM .585 (tests, mean of seeds).
    """
    if len(anchors.items) == 0:
        raise ValueError("anchored consensus needs at least one anchor")
    signed = votes.signed
    towards_truth = signed[anchors.items].toarray() * anchors.signs[:, None]
    if ridge is None:
        ridge = chosen_ridge(towards_truth) if len(anchors.items) >= FEW else FIXED_RIDGE
    weights = fit(towards_truth, ridge)
    p_a = anchors.fix(1 / (1 + np.exp(-np.clip(signed @ weights, -700, 700))))
    return Consensus(p_a, confirmed(votes, p_a), ridge=ridge)


def fit(towards_truth: Floats, ridge: float) -> Floats:
    """Weights that make the anchors come out right; the prior mean is the equal vote."""
    n, d = towards_truth.shape
    if d <= min(n, WIDE):
        return logistic.fit(towards_truth, ridge).weights
    if n <= WIDE:  # the minimum lies in the span of the rows
        gram = towards_truth @ towards_truth.T
        gram[np.diag_indices_from(gram)] += JITTER * max(float(gram.diagonal().mean()), 1.0)
        root = np.linalg.cholesky(gram)
        head = logistic.fit(root, ridge).weights
        return towards_truth.T @ np.linalg.solve(root.T, head)
    from curation.models.bradley_terry import fit_heads  # torch, which servers do without

    return fit_heads(towards_truth, np.ones((len(towards_truth), 1)), ridge)[:, 0]


def chosen_ridge(towards_truth: Floats) -> float:
    """The ridge under which each anchor is likeliest, told by the others."""
    from curation.models.bradley_terry import fit_heads

    n = len(towards_truth)
    leave_one_out = 1.0 - np.eye(n)
    losses = []
    for ridge in RIDGES:
        heads = fit_heads(towards_truth, leave_one_out, float(ridge))
        margins = np.einsum("id,di->i", towards_truth, heads)
        losses.append(np.logaddexp(0, -margins).mean())
    return float(RIDGES[int(np.argmin(losses))])


def confirmed(votes: Votes, p_a: Floats) -> Floats:
    """Each annotator's expected share of right votes, by these posteriors; NaN without votes."""
    signed = votes.counts[:, 0::3] - votes.counts[:, 1::3]
    decided = np.asarray(abs(signed).sum(axis=0)).ravel()
    balance = signed.T @ (2 * p_a - 1)
    return np.where(decided > 0, (1 + balance / np.maximum(decided, 1)) / 2, np.nan)
