"""S13: how likely a user's turn says that the answer before it was good, or was not."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from curation.feedback.rubric import SIDES, flags, rubrics
from curation.items import Floats, Texts
from curation.signals.embedding import Embedding

FOLDS = 5
RIDGE = 3.0  # scikit-learn's C
FLAG = 0.5  # weight of a pattern beside a vector of length 1
READ = 600  # characters of a turn that are embedded


class Head(NamedTuple):
    """log odds = scale * (x·weights + bias) + shift: a logistic head, calibrated."""

    weights: Floats
    bias: float
    scale: float
    shift: float

    def log_odds(self, x: Floats) -> NDArray[np.float64]:
        return self.scale * (x @ self.weights + self.bias) + self.shift


def log_odds(texts: Sequence[str], embedder: Embedding) -> NDArray[np.float64]:
    """(n, 2): satisfied, dissatisfied. A turn may be both."""
    x = features(texts, embedder)
    return np.stack([head.log_odds(x) for head in heads(embedder.model_dump_json())], axis=1)


def features(texts: Sequence[str], embedder: Embedding) -> NDArray[np.float64]:
    """The turn's vector, and the rubric's patterns."""
    ids = [str(row) for row in range(len(texts))]
    vectors = embedder.score(Texts(ids, [""] * len(texts), [text[:READ] for text in texts])).vectors
    assert vectors is not None
    return np.hstack([np.asarray(vectors, np.float64), FLAG * flags(texts)])


@lru_cache(maxsize=2)
def heads(specification: str) -> tuple[Head, Head]:
    """Of an embedder. Learnt from the rubric's examples: nothing of a user's data is in them."""
    texts = [text for rubric in rubrics() for text in rubric.examples]
    sides = np.array([rubric.side for rubric in rubrics() for _ in rubric.examples])
    x = features(texts, Embedding.model_validate_json(specification))
    sat, dsat = (head(x, sides == side) for side in SIDES)
    return sat, dsat


def head(x: Floats, labels: NDArray[np.bool_]) -> Head:
    """Calibrated on what heads that did not see an example say of it."""
    held_out = np.zeros(len(labels))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for seen, unseen in folds.split(x, labels):
        held_out[unseen] = fitted(x[seen], labels[seen]).decision_function(x[unseen])
    scale, shift = calibration(held_out, labels)
    whole = fitted(x, labels)
    return Head(whole.coef_[0], float(whole.intercept_[0]), scale, shift)


def fitted(x: Floats, labels: NDArray[np.bool_]) -> Any:
    return LogisticRegression(C=RIDGE, class_weight="balanced", max_iter=1000).fit(x, labels)


def calibration(scores: Floats, labels: NDArray[np.bool_]) -> tuple[float, float]:
    """(scale, shift) of P(label) = σ(scale * score + shift), Platt's way."""
    learnt: Any = LogisticRegression(C=100.0).fit(np.asarray(scores)[:, None], labels)
    return float(learnt.coef_[0, 0]), float(learnt.intercept_[0])


def recalibrated(
    scores: Floats, labels: Floats, groups: Sequence[object], least: int
) -> NDArray[np.float64] | None:
    """P(label) by the data's own labels, (n,): those of a group by the other groups' only.

    `scores` log odds (n,), `labels` 1, 0, or NaN where nobody said. None where there are fewer than
    `least` labels, too few of one kind, or where they say the opposite of the scores.
    """
    known = np.flatnonzero(np.isfinite(labels))
    named: dict[object, int] = {}
    fold = np.array([named.setdefault(group, len(named)) % FOLDS for group in groups], np.int64)
    found = np.zeros(len(scores))
    for own in range(FOLDS):
        seen = known[fold[known] != own]
        truth = labels[seen] > 0.5
        if len(known) < least or min(truth.sum(), (~truth).sum()) < least / 10:
            return None
        scale, shift = calibration(scores[seen], truth)
        if scale <= 0:
            return None
        rows = fold == own
        found[rows] = expit(scale * scores[rows] + shift)
    return found
