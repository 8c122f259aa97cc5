import numpy as np
import pytest
from numpy.typing import NDArray

from curation.selectors import Pool
from curation.selectors.deita_repr_filter import DeitaReprFilter
from curation.selectors.kept import HALVES
from tests.curation.selectors.clusters import clustered, pool_of


def double_loop(vectors: NDArray[np.float64], score: NDArray[np.float64], tau: float) -> list[int]:
    """The rule as the paper has it, in float64; ties by position."""
    kept: list[int] = []
    for i in sorted(range(len(score)), key=lambda i: (-score[i], i)):
        if all(float(vectors[i] @ vectors[j]) <= tau for j in kept):
            kept.append(i)
    return kept


def test_the_worked_example() -> None:
    vectors = np.array([[1, 0], [0.96, 0.28], [0, 1], [0.6, 0.8]])
    pool = pool_of(vectors, quality=np.array([4.0, 3, 2, 1]))
    found = DeitaReprFilter().select(pool, 4)
    assert found.order.tolist() == [0, 2, 3]
    assert list(found.reasons) == ["selected", "too_similar", "selected", "selected"]
    assert found.objective == 7


@pytest.mark.parametrize("tau", [0.9, 0.8, 0.5])
def test_the_blocks_keep_what_the_double_loop_keeps(tau: float) -> None:
    vectors = clustered(900, d=16, seed=1)
    score = np.random.default_rng(0).random(900).round(2)  # with ties
    expected = double_loop(vectors, score, tau)
    assert 50 < len(expected) < 850
    pool = pool_of(vectors, quality=score)
    assert DeitaReprFilter(tau=tau).select(pool, 900).order.tolist() == expected
    assert DeitaReprFilter(tau=tau).select(pool, 40).order.tolist() == expected[:40]


@pytest.mark.parametrize("tau", [0.95, 0.8, 0.3])
def test_products_in_half_precision_decide_nothing_that_is_near(tau: float) -> None:
    vectors = clustered(2 * HALVES, d=16, seed=4)
    score = np.random.default_rng(6).random(len(vectors)).round(3)
    kept: list[int] = []
    for i in np.argsort(-score, kind="stable").tolist():
        if not kept or (vectors[kept] @ vectors[i]).max() <= tau:
            kept.append(i)
    found = DeitaReprFilter(tau=tau).select(pool_of(vectors, quality=score), len(score))
    assert found.order.tolist() == kept
    half = DeitaReprFilter(tau=tau).select(pool_of(vectors, quality=score), len(kept) // 2)
    assert half.order.tolist() == kept[: len(kept) // 2]
    assert sorted(set(half.reasons)) == ["over_budget", "selected", "too_similar"]


def test_a_cosine_of_exactly_tau_is_kept() -> None:
    vectors = np.array([[1.0, 0], [0.6, 0.8], [np.nextafter(0.6, 1), 0.8]])
    pool = pool_of(vectors[:2], quality=np.array([2.0, 1]))
    assert DeitaReprFilter(tau=0.6).select(pool, 2).order.tolist() == [0, 1]
    assert DeitaReprFilter(tau=0.5999999999).select(pool, 2).order.tolist() == [0]


def test_no_kept_pair_has_a_cosine_above_tau_and_each_dropped_one_has() -> None:
    vectors = clustered(400, d=8, seed=2)
    found = DeitaReprFilter(tau=0.7).select(pool_of(vectors, quality=np.arange(400.0)), 400)
    cosines = vectors[found.order] @ vectors[found.order].T
    np.fill_diagonal(cosines, -1)
    assert cosines.max() <= 0.7
    for row in np.flatnonzero(np.array(found.reasons) == "too_similar").tolist():
        better = found.order[found.order > row]  # a higher score
        assert (vectors[better] @ vectors[row]).max() > 0.7


def test_the_score_is_the_product_of_its_terms() -> None:
    pool = pool_of(np.eye(3), complexity=np.array([2.0, 3, 1]), quality=np.array([3.0, 1, 4]))
    found = DeitaReprFilter(score=("complexity", "quality")).select(pool, 2)
    assert found.importance.tolist() == [6, 3, 4]
    assert found.order.tolist() == [0, 2]


def test_length_of_the_vectors_does_not_matter() -> None:
    vectors = clustered(60, d=4, seed=3)
    lengths = 10.0 ** np.linspace(-30, 30, 60)[:, None]
    plain, long = (
        DeitaReprFilter().select(pool_of(v, quality=np.arange(60.0)), 60).order.tolist()
        for v in (vectors, vectors * lengths)
    )
    assert plain == long


def test_equal_vectors_leave_one_zero_vectors_all_and_missing_ones_none() -> None:
    equal = DeitaReprFilter().select(pool_of(np.ones((5, 3)), quality=np.zeros(5)), 5)
    assert equal.order.tolist() == [0]
    zero = DeitaReprFilter().select(pool_of(np.zeros((5, 3)), quality=np.zeros(5)), 5)
    assert zero.order.tolist() == [0, 1, 2, 3, 4]
    holes = np.eye(3)
    holes[1, 0] = np.nan
    found = DeitaReprFilter().select(pool_of(holes, quality=np.ones(3)), 3)
    assert found.order.tolist() == [0, 2]
    assert found.reasons[1] == "missing:vectors"


def test_without_vectors_the_score_alone_decides_and_that_is_recorded() -> None:
    ids = list("abc")
    pool = Pool(ids, ids, ids, {"quality": np.array([1.0, 3, 2])})
    found = DeitaReprFilter().select(pool, 2)
    assert found.order.tolist() == [1, 2]
    assert found.degraded == ("vectors",)
