"""N03's second witness: a scorer of the texts that learnt from verified answers alone."""

from dataclasses import replace

import numpy as np

from curation.audit.content import WITHOUT_VECTORS, as_pairs
from curation.audit.questions import Questions
from curation.consensus.votes import A, Anchors, B
from curation.items import Floats
from curation.noise.em import WEAKEST_SCORER
from curation.signals.reward_margin import RewardMargin

LEAST = 100  # verified answers


def from_verified(questions: Questions, anchors: Anchors, seed: int = 0) -> Floats:
    """(n,) P(the label is right), NaN for ties and verified pairs, and everywhere where there are
    fewer than 100 verified answers or their scorer is right on less than 65 % of those that it did
    not see. Labels that are wrong in one way teach the scorer of all labels; not this one. By style
    and n-grams, whatever else is embedded. Skywork-Reward-V2, arXiv 2507.01352."""
    unknown = np.full(len(questions), np.nan)
    asked = questions.decided.copy()
    asked[anchors.items] = False
    if questions.texts is None or len(anchors.items) < LEAST or not asked.any():
        return unknown
    truth = questions.labels.copy()
    truth[anchors.items] = np.where(anchors.a_better, A, B)
    signal = RewardMargin(heads=WITHOUT_VECTORS, seed=seed)
    fit = signal.fit(as_pairs(replace(questions, labels=truth)).take(anchors.items))
    if not fit.arrays or fit.metrics["oof_accuracy"] < WEAKEST_SCORER:
        return unknown
    rows = np.flatnonzero(asked)
    unknown[rows] = signal.score(as_pairs(questions).take(rows), fit).columns["p_correct"].values
    return unknown
