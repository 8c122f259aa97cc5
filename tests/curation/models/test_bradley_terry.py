import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from curation.models.bradley_terry import fit_heads, margins
from curation.models.design import FLOAT64_CELLS

SHAPES = [(200, 5), (60, 300)]  # tall: primal; wide: in the span of the rows


def problem(n: int, d: int, columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.poisson(1.0, (n, columns)).astype(float)


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("ridge", [0.01, 1.0, 100.0])
def test_agrees_with_scikit_learn(n: int, d: int, ridge: float) -> None:
    x, weights = problem(n, d)
    heads = fit_heads(x, weights, ridge, "cpu")
    both_ways = np.vstack([x, -x])  # scikit-learn wants two classes
    labels = np.repeat([1, 0], n)
    for b in range(weights.shape[1]):
        reference = LogisticRegression(
            C=1 / ridge, fit_intercept=False, tol=1e-10, max_iter=10_000
        ).fit(both_ways, labels, np.tile(weights[:, b] / 2, 2))
        np.testing.assert_allclose(heads[:, b], reference.coef_[0], rtol=1e-3, atol=1e-5)


def test_agrees_with_a_loop_over_the_formula() -> None:
    x, weights = problem(12, 3, columns=1)

    def objective(w: np.ndarray) -> float:
        loss = sum(s * np.log1p(np.exp(-row @ w)) for row, s in zip(x, weights[:, 0], strict=True))
        return float(loss + 0.5 / 2 * w @ w)

    brute = minimize(objective, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9})
    np.testing.assert_allclose(fit_heads(x, weights, 0.5, "cpu")[:, 0], brute.x, atol=1e-4)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_a_sparse_design_gives_the_same_heads(n: int, d: int) -> None:
    x, weights = problem(n, d)
    x[np.abs(x) < 1] = 0
    dense = fit_heads(x, weights, 1.0, "cpu")
    np.testing.assert_allclose(
        fit_heads(sparse.csr_array(x), weights, 1.0, "cpu"), dense, atol=1e-7
    )
    np.testing.assert_allclose(margins(sparse.csr_array(x), dense), margins(x, dense), atol=1e-12)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_swapping_chosen_and_rejected_flips_the_sign(n: int, d: int) -> None:
    x, weights = problem(n, d)
    np.testing.assert_allclose(
        fit_heads(-x, weights, 1.0, "cpu"), -fit_heads(x, weights, 1.0, "cpu"), atol=1e-12
    )


def test_a_row_without_weight_is_as_if_it_were_not_there() -> None:
    x, weights = problem(50, 4)
    weights[30:] = 0
    alone = fit_heads(x[:30], weights[:30], 1.0, "cpu")
    np.testing.assert_allclose(fit_heads(x, weights, 1.0, "cpu"), alone, atol=1e-9)


def test_columns_do_not_influence_each_other() -> None:
    x, weights = problem(80, 6, columns=3)
    together = fit_heads(x, weights, 1.0, "cpu")
    for b in range(3):
        alone = fit_heads(x, weights[:, [b]], 1.0, "cpu")
        np.testing.assert_allclose(together[:, [b]], alone, atol=1e-7)


def test_identical_rows_are_a_weight() -> None:
    x = np.repeat([[1.0, -2.0, 0.0, 0.0, 3.0, 1.0]], 4, axis=0)
    many = fit_heads(x, np.ones((4, 1)), 1.0, "cpu")
    np.testing.assert_allclose(many, fit_heads(x[:1], np.full((1, 1), 4.0), 1.0, "cpu"), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "weights"),
    [
        (np.zeros((0, 3)), np.zeros((0, 2))),
        (np.ones((4, 3)), np.zeros((4, 2))),
        (np.zeros((4, 3)), np.ones((4, 2))),
        (np.zeros((2, 3)), np.ones((2, 2))),
    ],
)
def test_where_nothing_can_be_learnt_the_head_is_zero(x: np.ndarray, weights: np.ndarray) -> None:
    assert (fit_heads(x, weights, 1.0, "cpu") == np.zeros((3, 2))).all()


def test_separable_pairs_have_a_finite_head() -> None:
    x = np.abs(problem(300, 3)[0]) * 1000
    heads = fit_heads(x, np.ones((300, 1)), 1e-3, "cpu")
    assert np.isfinite(heads).all()
    assert (margins(x, heads) > 0).all()


def test_one_row_has_the_known_minimum() -> None:
    head = float(fit_heads(np.array([[2.0]]), np.ones((1, 1)), 1.0, "cpu")[0, 0])
    assert head == pytest.approx(2 / (1 + np.exp(2 * head)), abs=1e-7)


@pytest.mark.parametrize("ridge", [0.0, -1.0, float("nan")])
def test_refuses_a_ridge_that_is_not_positive(ridge: float) -> None:
    with pytest.raises(ValueError, match="ridge"):
        fit_heads(np.ones((2, 1)), np.ones((2, 1)), ridge, "cpu")


def test_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        fit_heads(np.array([[np.nan]]), np.ones((1, 1)), 1.0, "cpu")


def test_single_precision_is_close_to_double(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weights = problem(500, 20)
    double = fit_heads(x, weights, 1.0, "cpu")
    assert x.size < FLOAT64_CELLS
    monkeypatch.setattr("curation.models.design.FLOAT64_CELLS", 0)
    np.testing.assert_allclose(fit_heads(x, weights, 1.0, "cpu"), double, rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_the_gpu_gives_the_same_heads(n: int, d: int) -> None:
    x, weights = problem(n, d)
    for rows in (x, sparse.csr_array(x)):
        np.testing.assert_allclose(
            fit_heads(rows, weights, 1.0, "cuda"), fit_heads(rows, weights, 1.0, "cpu"), atol=1e-6
        )
