"""The selector behind safe_default: what it gates, what it matches, and when it draws."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.models.ridge_margin import cross_fit, fit, held_out
from curation.noise.regime import regime
from curation.recipes import RECIPES
from curation.selectors import Pool
from curation.selectors.gradient_matching import GradientMatching, Match

N, D = 600, 12


def signed_rows(flips: float, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Differences whose labels a hidden direction decides, and which of them are wrong."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(N, D))
    rows *= np.where(rows[:, :1] > 0, 1, -1)
    wrong = rng.random(N) < flips
    return (rows * np.where(wrong, -1, 1)[:, None]).astype(np.float32), wrong


def make_pool(rows: NDArray[np.float32], p_correct: NDArray[np.float64] | None = None) -> Pool:
    names = [f"pair{i:04}" for i in range(len(rows))]
    side = ["chosen" if i % 4 else "rejected" for i in range(len(rows))]
    scores = {} if p_correct is None else {"p_correct": p_correct}
    return Pool(names, names, names, scores, rows, {"longer": side})


def p_of(rows: NDArray[np.float32], steepness: float = 6) -> NDArray[np.float64]:
    fold = np.arange(len(rows)) % 10
    return 1 / (1 + np.exp(-steepness * held_out(rows, fold, cross_fit(rows, fold, ridge=1.0))))


def test_folds_are_judged_by_heads_that_were_fitted_without_them() -> None:
    rows, _ = signed_rows(0.2)
    fold = np.arange(N) % 10
    heads = cross_fit(rows, fold, ridge=3.0)
    alone = fit(rows[fold != 4], ridge=3.0)
    assert np.allclose(heads[:, 4], alone)
    expected = np.linalg.solve(
        rows[fold != 4].T @ rows[fold != 4] + 3 * np.eye(D), rows[fold != 4].sum(axis=0)
    )
    assert np.allclose(alone, expected, atol=1e-4)
    assert np.allclose(held_out(rows, fold, heads)[fold == 4], rows[fold == 4] @ alone, atol=1e-5)


def test_the_greedy_pick_is_the_best_of_all_at_each_step() -> None:
    rows, _ = signed_rows(0.2)
    points = rows[:30]
    match = Match(points, 120.0, 4.0)
    kept: list[int] = []
    away: list[float] = []
    for _ in range(6):
        left = [i for i in range(30) if i not in kept]
        away = [((points[[*kept, i]].mean(axis=0) - match.target) ** 2).sum() for i in left]
        best = left[int(np.argmin(away))]
        gains = match.gains()
        assert max(left, key=lambda i: gains[i]) == best
        match.take(np.array([best]))
        kept.append(best)
    assert match.distance() == pytest.approx(min(away), rel=1e-4)


def test_the_subset_points_where_all_pairs_point() -> None:
    """At a tenth of the size: the mean of a random tenth is much farther from the direction."""
    rows, _ = signed_rows(0.2)
    found = GradientMatching(gate=0.0).select(make_pool(rows), 60)
    mean, drawn = rows[found.order].mean(axis=0), rows[:60].mean(axis=0)

    def cosine(vector: NDArray[np.float32]) -> float:
        return float(vector[0] / np.linalg.norm(vector))

    assert cosine(mean) > 0.9 > cosine(drawn)
    longer = np.mean([make_pool(rows).fields["longer"][i] == "chosen" for i in found.order])
    assert abs(longer - 0.75) <= 0.05 + 1 / 60


def test_nothing_is_gated_where_labels_look_clean_and_the_noise_where_it_is_known() -> None:
    clean, _ = signed_rows(0.0)
    assert regime(p_of(clean)).gate == 0
    noisy, wrong = signed_rows(0.25)
    found = regime(p_of(noisy))
    assert found.noise == pytest.approx(0.25, abs=0.06)
    selection = GradientMatching().select(make_pool(noisy, p_of(noisy)), 60)
    gated = np.array([reason == "gate:p_correct" for reason in selection.reasons])
    assert wrong[gated].mean() > 0.8 > 0.3 > wrong[~gated].mean()


def test_labels_that_cannot_be_foretold_are_drawn_from_uniformly() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(N, D)).astype(np.float32)
    p = np.clip(rng.normal(0.5, 0.01, N), 0.01, 0.99)
    p[: N // 2], p[N // 2 :] = 0.49, 0.51
    pool = make_pool(rows, p)
    assert not regime(p).learnable
    one, two = (GradientMatching().select(pool, 60, seed) for seed in (1, 2))
    assert len(one.order) == len(two.order) == 60
    assert set(one.order.tolist()) != set(two.order.tolist())


def test_no_pair_is_gated_where_none_is_doubted_more_than_another() -> None:
    rows, _ = signed_rows(0.5)
    found = GradientMatching().select(make_pool(rows, np.full(N, 0.5)), 60)
    assert "gate:p_correct" not in found.reasons
    first = [GradientMatching().select(make_pool(rows, np.full(N, 0.5)), 60, s) for s in range(8)]
    lowest = sum(int((one.order < N // 10).sum()) for one in first)
    assert 20 < lowest < 80  # a tenth of 480 drawn, ± 4 standard deviations
    doubted = np.where(np.arange(N) % 20 == 3, 0.4, 0.5)
    reasons = GradientMatching().select(make_pool(rows, doubted), 60).reasons
    assert [i % 20 for i in range(N) if reasons[i] == "gate:p_correct"] == [3] * 30
    assert GradientMatching().select(make_pool(rows[:0], np.zeros(0)), 5).reasons == []


def test_a_draw_from_too_few_pairs_says_so() -> None:
    rows, _ = signed_rows(0.2)
    few, enough = (
        GradientMatching().select(make_pool(rows[:n], p_of(rows[:n])), 20) for n in (99, 100)
    )
    assert few.degraded == ("matching: fewer than 100 pairs, drawn at random",)
    assert enough.degraded == ()


def test_renaming_and_reordering_change_nothing_but_ties() -> None:
    rows, _ = signed_rows(0.2)
    pool = make_pool(rows, p_of(rows))
    order = np.random.default_rng(3).permutation(N)
    one = GradientMatching().select(pool, 60)
    other = GradientMatching().select(pool.take(order), 60)
    assert [pool.ids[i] for i in one.order] == [pool.take(order).ids[i] for i in other.order]
    later = replace(pool, ids=[f"z{name}" for name in pool.ids])
    assert GradientMatching().select(later, 60).order.tolist() == one.order.tolist()


def test_more_pairs_than_rounds_are_taken_several_at_a_time() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(9000, 3)).astype(np.float32) + np.array([1, 0, 0], np.float32)
    found = GradientMatching(gate=0.0).select(make_pool(rows), 8500)
    assert len(set(found.order.tolist())) == 8500


def test_the_recipe_finds_its_regime_by_itself() -> None:
    recipe = RECIPES["safe_default"]
    assert isinstance(recipe.selector, GradientMatching)
    assert recipe.selector.gate == "auto"
    assert recipe.output("soft_label")[2].low == 0.5  # a label is softened, never turned round
