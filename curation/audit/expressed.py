"""What the labels express beyond length and position: features of the responses' embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.audit.questions import Questions
from curation.consensus.votes import A
from curation.items import Floats
from curation.structure.dictionary import Sparse, dictionary
from curation.structure.expressions import Expression, expressions, held_out_auc
from curation.structure.feature_flip import FeatureFlip, feature_flip
from curation.structure.homogeneity import absent, coverage
from curation.structure.naming import Name, names, strongest

Method: TypeAlias = Literal["autoencoder", "dictionary"]

LEAST_PAIRS = 200
FEATURES, FEWEST_FEATURES, ACTIVE = 32, 8, 4
PAIRS_A_FEATURE = 25
SIGNIFICANT = 0.05
EXAMPLES = 3


@dataclass(frozen=True)
class Feature:
    """`examples`: rows of the questions where it is active most, each of another prompt, and its
    activation there: above 0 where a has more of it. `absent`: the share of prompts whose responses
    do not differ in it. `flip`: what turning the labels that it drives would do, its rows being
    those of the questions; None where the labels don't express it."""

    expression: Expression
    name: Name
    examples: tuple[tuple[int, float], ...]
    absent: float = float("nan")
    flip: FeatureFlip | None = None

    @property
    def expressed(self) -> bool:
        return self.expression.p_value < SIGNIFICANT


@dataclass(frozen=True)
class Expressed:
    """`features` that were tested, strongest evidence first; `why` there are none. `pairs` that
    were decided; `explained` share of what tells responses apart, and `dead` of `count` features;
    AUC on labels that were not seen: of length and position, and with the features. `coverage`: of
    the stances, the two sides of each feature, those that some response of a prompt takes, mean
    over prompts (D03)."""

    features: tuple[Feature, ...] = ()
    why: str | None = None
    method: Method | None = None
    pairs: int = 0
    count: int = 0
    explained: float = float("nan")
    dead: int = 0
    auc_controls: float = float("nan")
    auc_features: float = float("nan")
    coverage: float = float("nan")

    @property
    def found(self) -> tuple[Feature, ...]:
        return tuple(feature for feature in self.features if feature.expressed)


def expressed(
    questions: Questions,
    differences: Floats | None,
    *,
    method: Method | None = None,
    seed: int = 0,
) -> Expressed:
    """`differences` (n, d): embedding of a − that of b, or None where nothing was embedded.

    The features are learnt without the labels, from decided pairs. By the autoencoder where torch
    is installed, else by the dictionary, unless `method` says.
    """
    rows = np.flatnonzero(questions.decided)
    texts = questions.texts
    if texts is None:
        return Expressed(why="the responses are not texts", pairs=len(rows))
    if len(rows) < LEAST_PAIRS:
        why = f"too few pairs: {len(rows)} are decided, it takes {LEAST_PAIRS}"
        return Expressed(why=why, pairs=len(rows))
    if differences is None:
        return Expressed(why="made without embeddings", pairs=len(rows))
    if not differences[rows].any():
        return Expressed(why="the responses of every pair have the same vector", pairs=len(rows))
    how: Method = method or ("dictionary" if find_spec("torch") is None else "autoencoder")
    sparse = learnt(differences[rows], how, seed)
    a_better, groups = questions.labels[rows] == A, questions.prompts[rows]
    held = controls(questions, texts)[rows]
    tested = expressions(sparse.activations, held, a_better, groups, seed=seed)
    stances, missing = covered(sparse.activations, groups)
    named = names(sparse.activations, [texts[row][1:] for row in rows.tolist()], seed)
    features = tuple(
        Feature(
            each, named[each.feature], examples(sparse, each.feature, rows, questions.prompts),
            float(missing[each.feature]), turned(each, sparse, held, a_better, groups, rows, seed),
        )
        for each in tested
    )  # fmt: skip
    both = np.column_stack([held, sparse.activations])
    return Expressed(
        features, None, how, len(rows), len(sparse.decoder), sparse.explained, sparse.dead,
        held_out_auc(held, a_better, groups, seed), held_out_auc(both, a_better, groups, seed),
        stances,
    )  # fmt: skip


def covered(activations: Floats, prompts: NDArray[np.int64]) -> tuple[float, Floats]:
    """D03: the mean coverage of the prompts, and (M,) the share of prompts where a feature is not.

    Where two responses differ in a feature, one takes either side: stances 2f and 2f + 1."""
    row, feature = np.nonzero(activations)
    count = activations.shape[1]
    of = np.concatenate([prompts[row], prompts[row], prompts])
    none = np.full(len(prompts), -1)
    stances = np.concatenate([2 * feature, 2 * feature + 1, none])
    return float(coverage(of, stances, 2 * count).mean()), absent(of, stances, 2 * count)[::2]


def turned(
    found: Expression, sparse: Sparse, held: Floats, a_better: NDArray[np.bool_],
    groups: NDArray[np.int64], rows: NDArray[np.int64], seed: int,
) -> FeatureFlip | None:  # fmt: skip
    """N08, were the preference unwanted."""
    if found.p_value >= SIGNIFICANT:
        return None
    flip = feature_flip(
        sparse.activations, held, found.feature, found.coefficient, a_better, groups, seed=seed
    )
    return replace(flip, rows=rows[flip.rows])


def learnt(differences: Floats, method: Method, seed: int) -> Sparse:
    """Small sets get fewer features: each should be active in some tens of pairs."""
    count = int(np.clip(len(differences) // PAIRS_A_FEATURE, FEWEST_FEATURES, FEATURES))
    if method == "dictionary":
        return dictionary(differences, features=count, active=ACTIVE, seed=seed)
    from curation.models.sparse_autoencoder import autoencoder

    return autoencoder(differences, features=count, active=ACTIVE, seed=seed)


def controls(questions: Questions, texts: Sequence[tuple[str, str, str]]) -> Floats:
    """(n, 2) of a − b: log of the length in characters; how often a was shown first."""
    length = [np.log1p(len(a)) - np.log1p(len(b)) for _, a, b in texts]
    items = questions.votes.votes.items
    count = np.maximum(np.bincount(items, minlength=len(questions)), 1)
    first = np.bincount(items, questions.votes.first, len(questions)) / count
    return np.column_stack([np.array(length), first])


def examples(
    sparse: Sparse, feature: int, rows: NDArray[np.int64], prompts: NDArray[np.int64]
) -> tuple[tuple[int, float], ...]:
    column, seen = sparse.activations[:, feature], set[int]()
    found: list[tuple[int, float]] = []
    for at in strongest(column).tolist():
        row = int(rows[at])
        if int(prompts[row]) not in seen:
            seen.add(int(prompts[row]))
            found.append((row, float(column[at])))
    return tuple(found[:EXAMPLES])
