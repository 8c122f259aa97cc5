"""Could a consensus be a bias that its voters share? Three tests; none can prove that it is not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.audit.questions import Ballots
from curation.consensus.votes import TIE, A, Votes
from curation.items import Floats

LEAST_COMMON = 10  # items that two annotators share, to be compared
LEAST_ANNOTATORS = 4  # below which any correlations fit one truth
EXCESS = 0.03  # of correlation beyond one truth; independent voters leave 0
PULL = 0.1  # away from one half, of what is shown first
LONGER = 0.1


class Finding(NamedTuple):
    """`value` of the measure, `limit` beyond which it speaks; `text` for people."""

    name: str
    value: float
    limit: float
    text: str

    @property
    def speaks(self) -> bool:
        return abs(self.value) > self.limit


def shared_bias(ballots: Ballots, p_a: Floats, longer: Floats | None) -> list[Finding]:
    """Those that could be computed. `p_a` (n,) is the consensus, `longer` (n,) is +1 where a is the
    longer response, −1 where b is, or None where lengths mean nothing."""
    found = [correlated_errors(ballots.votes), position(ballots)]
    if longer is not None:
        found.append(length(p_a, longer))
    return [finding for finding in found if finding is not None]


def correlated_errors(votes: Votes) -> Finding | None:
    """If only the truth made annotators agree, products of two numbers would explain all their
    covariances (one factor). The root mean square of what is left, less what chance leaves."""
    signed = votes.signed
    voted = abs(signed) > 0
    common = np.asarray((voted.T.astype(float) @ voted.astype(float)).toarray())
    np.fill_diagonal(common, 0)
    usable = common >= LEAST_COMMON
    if (usable.sum(axis=1) >= LEAST_ANNOTATORS - 1).sum() < LEAST_ANNOTATORS:
        return None
    products = np.asarray((signed.T @ signed).toarray())
    agreement = np.where(usable, products / np.maximum(common, 1), 0.0)
    loading = one_factor(agreement, usable)
    left = np.where(usable, agreement - np.outer(loading, loading), 0.0)
    chance = ((1 - agreement[usable] ** 2) / common[usable]).mean()
    excess = float(np.sqrt(max((left[usable] ** 2).mean() - chance, 0.0)))
    return Finding(
        "correlated errors", excess, EXCESS,
        f"annotators agree beyond what one truth explains (by {excess:.2f} on average)",
    )  # fmt: skip


def one_factor(agreement: Floats, usable: NDArray[np.bool_], rounds: int = 200) -> Floats:
    """u minimising Σ_{j≠k} (agreement_jk − u_j u_k)² over the usable pairs."""
    weights = usable.astype(np.float64)
    u = np.sqrt(np.clip((agreement * weights).sum(axis=1) / weights.sum(axis=1).clip(1), 0.01, 1))
    for _ in range(rounds):
        found = (agreement * weights) @ u / np.maximum(weights @ u**2, 1e-12)
        u = (u + np.clip(found, -1, 1)) / 2
    return u


def position(ballots: Ballots) -> Finding | None:
    """How often what was shown first wins, where both orders come up equally often."""
    said = ballots.votes.said
    rows = (said != TIE) & (ballots.first != 0)
    if rows.sum() < LEAST_COMMON:
        return None
    won = ((said == A) == (ballots.first > 0))[rows]
    first = ballots.first[rows] > 0
    if not (first.any() and (~first).any()):
        return None
    rate = (float(won[first].mean()) + float(won[~first].mean())) / 2
    return Finding(
        "order", rate - 0.5, PULL, f"the response shown first wins {rate:.0%} of judgments"
    )


def length(p_a: Floats, longer: Floats) -> Finding | None:
    rows = (longer != 0) & (p_a != 0.5)
    if rows.sum() < LEAST_COMMON:
        return None
    rate = float(((p_a > 0.5) == (longer > 0))[rows].mean())
    return Finding(
        "length", rate - 0.5, LONGER, f"the longer response is preferred in {rate:.0%} of pairs"
    )
