"""Labels of known truth with four kinds of noise, and a scorer that never saw the label it judges.

One label a pair; responses differ in six features, the first of which is length and says nothing
of the truth.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.items import Floats
from curation.structure.logistic import fit

Kind: TypeAlias = Literal["symmetric", "hard", "annotators", "length", "position"]
TASTE = np.array([0.0, 2.5, -2.0, 1.5, 1.0, -1.0]) * 1.5
FOLDS = 5
NAMES = ["length", "one", "two", "three", "four", "five"]


class Labelled(NamedTuple):
    """`x` (n, 6) of a − b; `a_better` the truth, `says_a` the label; `first` +1 where a was shown
    first, else −1; `who` labelled; `right` (20,) how often each of them is."""

    x: Floats
    a_better: NDArray[np.bool_]
    says_a: NDArray[np.bool_]
    first: Floats
    who: NDArray[np.int64]
    right: Floats

    @property
    def wrong(self) -> NDArray[np.bool_]:
        return self.says_a != self.a_better


def labelled(kind: Kind, rate: float = 0.2, n: int = 4000, seed: int = 0) -> Labelled:
    """About `rate` of the labels are wrong; by `annotators` it is the mean of theirs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(TASTE)))
    margin = x @ TASTE
    truth, first = rng.random(n) < expit(margin), rng.choice([-1.0, 1.0], n)
    who, right = rng.integers(0, 20, n), np.linspace(1 - 2 * rate, 1, 20)
    coin = rng.random(n)
    hardness = expit(2 - np.abs(margin))
    says = {
        "symmetric": truth ^ (coin < rate),
        "hard": truth ^ (coin < rate * hardness / hardness.mean()),
        "annotators": truth ^ (coin > right[who]),
        # Twice the rate follows the attribute, which is wrong half of the time.
        "length": np.where(coin < 2 * rate, x[:, 0] > 0, truth),
        "position": np.where(coin < 2 * rate, first > 0, truth),
    }[kind]
    return Labelled(x, truth, says, first, who, right)


def cross_fitted(set_: Labelled) -> Floats:
    """(n,) margins towards the label, by heads fitted on the other folds."""
    towards = set_.x * np.where(set_.says_a, 1.0, -1.0)[:, None]
    fold = np.arange(len(towards)) % FOLDS
    found = np.zeros(len(towards))
    for f in range(FOLDS):
        found[fold == f] = towards[fold == f] @ fit(towards[fold != f], 1.0).weights
    return found
