"""D03 and D02: how alike the candidates of a prompt are, and on which prompts labels go round."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from curation.audit.questions import Questions
from curation.items import Floats

MOST_PROMPTS = 2_000  # drawn at random
ALIKE = 0.9


@dataclass(frozen=True)
class Candidates:
    """Of `prompts` with at least two different responses (a sample of 2,000 where there are more):
    `mean` cosine of their n-grams over pairs of candidates, 0 (no word in common) .. 1; `alike`
    the share of prompts with a mean of .9 and more; `deciles` (11,) of the means. NaN without any,
    with `why`."""

    prompts: int
    responses: int
    mean: float
    alike: float
    deciles: list[float]
    why: str | None = None


def candidates(questions: Questions, seed: int = 0) -> Candidates:
    nan = float("nan")
    if questions.texts is None:
        return Candidates(0, 0, nan, nan, [], "the responses are not texts")
    prompts, texts = responses(questions, seed)
    if not texts:
        return Candidates(0, 0, nan, nan, [], "no prompt has two different responses")
    means = mean_cosines(prompts, unit_rows(texts))
    deciles = np.quantile(means, np.linspace(0, 1, 11)).tolist()
    return Candidates(
        len(means), len(texts), float(means.mean()), float((means >= ALIKE).mean()), deciles
    )


def responses(questions: Questions, seed: int) -> tuple[NDArray[np.int64], list[str]]:
    """Every different response of the drawn prompts, and whose it is."""
    number = np.concatenate([questions.a, questions.b])
    _, first = np.unique(number, return_index=True)
    n = len(questions)
    prompts = questions.prompts[first % n] if n else first
    names, counts = np.unique(prompts, return_counts=True)
    several = names[counts > 1]
    if len(several) > MOST_PROMPTS:
        several = np.random.default_rng(seed).choice(several, MOST_PROMPTS, replace=False)
    kept = first[np.isin(prompts, several)]
    said = questions.texts or []
    return questions.prompts[kept % n] if n else kept, [
        said[row % n][1 + row // n] for row in kept.tolist()
    ]


def unit_rows(texts: list[str]) -> csr_array:
    from curation.models.ngrams import ngrams

    return ngrams(texts, "words")


def mean_cosines(prompts: NDArray[np.int64], unit: csr_array) -> Floats:
    """(|Σ u|² − Σ |u|²) / (n (n − 1)) of each prompt's n unit rows: its mean cosine over pairs."""
    names, at = np.unique(prompts, return_inverse=True)
    members = csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(names), len(at)))
    sums = csr_array(members @ unit)
    n = np.bincount(at, minlength=len(names))
    own = members @ squares(unit)
    return (squares(sums) - own) / (n * (n - 1))


def squares(rows: csr_array) -> Floats:
    """(n,) of the rows' lengths."""
    cells = rows.copy()
    cells.data = np.asarray(cells.data, np.float64) ** 2
    return np.asarray(cells.sum(axis=1), np.float64).ravel()
