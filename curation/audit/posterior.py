"""P(a better than b | everything known), and whom that makes reliable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.special import expit, logit

from curation.audit.questions import Ballots, Questions
from curation.audit.shared_bias import Finding, shared_bias
from curation.consensus.anchored import anchored, confirmed
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.majority import majority
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import NONE, Anchors, Consensus, Votes
from curation.items import Floats

PRIOR = 0.8  # of a lone label to be right: papers find 20 to 40 % wrong
EDGE = 1e-6  # posteriors of what is not verified stay off 0 and 1
LEAST_ANCHORS = 5
NOTHING: Mapping[str, Floats] = MappingProxyType({})


@dataclass(frozen=True)
class Posterior:
    """`p_a` (n,) in 0..1; `method` that made it; `reliability` (annotators,), NaN where unknown;
    `others`: name -> (n,) P(a better) by other methods; `warnings` for people; `findings` of the
    tests for a shared bias; `ridge` of the anchored head, `by_votes` (n,) P(a better) without
    witnesses."""

    p_a: Floats
    method: str
    reliability: Floats
    others: dict[str, Floats]
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    ridge: float | None = None
    by_votes: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def bias_possible(self) -> bool:
        return any(finding.speaks for finding in self.findings)


def posterior(
    questions: Questions,
    anchors: Anchors = NONE,
    evidence: Mapping[str, Floats] = NOTHING,
    ridge: float | None = None,
) -> Posterior:
    """`evidence`: name -> (n,) P(a better) by witnesses that did not see the pair's own label.

    With anchors, their ridge Bradley–Terry head over the votes; with several voters and none,
    GLAD, under tests whether it may be a shared bias; with one label a pair, Bayes with a
    prior of .8 that it is right. Each witness counts as independent of the others, except beside
    anchors: those say what each voter is worth, and nothing of a witness. `ridge` of the head
    saves the choice of one.
    """
    ballots = questions.votes
    votes = ballots.votes
    voted = np.bincount(votes.items, minlength=max(votes.n_items, 1))
    several = bool(votes.n_annotators > 1 and (voted > 1).mean() > 0.1)
    others = {"majority": majority(votes).p_a}
    findings: tuple[Finding, ...] = ()
    warnings: list[str] = []
    if several and len(anchors.items) >= LEAST_ANCHORS:
        consensus, method = anchored(votes, anchors, ridge), "anchored"
        others["one_coin"] = one_coin(votes).p_a
    elif several:
        if len(anchors.items):
            warnings.append(f"{len(anchors.items)} anchors are too few to say whom to believe")
        consensus, method = glad(votes, anchors)[0], "glad"
        others["one_coin"] = one_coin(votes).p_a
        others["dawid_skene"] = dawid_skene(votes)[0].p_a
        findings = tuple(shared_bias(ballots, consensus.p_a, longer_side(questions)))
        warnings += [f"shared bias possible: {each.text}" for each in findings if each.speaks]
    else:
        consensus, method = lone_labels(votes), "prior"
    p_a = consensus.p_a
    by_votes = anchors.fix(np.nan_to_num(p_a, nan=0.5))
    others |= evidence
    if method != "anchored":
        p_a = expit(safe_logit(p_a) + sum(map(safe_logit, evidence.values())))
    p_a = anchors.fix(np.clip(np.nan_to_num(p_a, nan=0.5), EDGE, 1 - EDGE))
    return Posterior(
        p_a, method, consensus.reliability, others, tuple(warnings), findings, consensus.ridge,
        by_votes,
    )  # fmt: skip


def lone_labels(votes: Votes) -> Consensus:
    """Each decided label is right with probability .8; several of one pair are independent."""
    balance = np.asarray(votes.counts[:, 0::3].sum(axis=1) - votes.counts[:, 1::3].sum(axis=1))
    p_a = expit(balance.ravel() * logit(PRIOR))
    return Consensus(p_a, confirmed(votes, p_a) * np.nan)


def safe_logit(p: Floats) -> Floats:
    return logit(np.clip(p, EDGE, 1 - EDGE))


def longer_side(questions: Questions) -> Floats | None:
    if questions.texts is None:
        return None
    return np.array([np.sign(len(a) - len(b)) for _, a, b in questions.texts], np.float64)


def voters(ballots: Ballots) -> int:
    return int((np.bincount(ballots.votes.annotators) > 0).sum())
