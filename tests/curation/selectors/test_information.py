from dataclasses import replace

import numpy as np
import pytest

from curation.models.mixture import components
from curation.selectors import Pool
from curation.selectors.entropy_change import entropy, entropy_change
from curation.selectors.error_driven_retrieval import ErrorDrivenRetrieval
from curation.selectors.isa_sampler import IsaSampler
from curation.selectors.uncertainty_gap_stratified import UncertaintyGapStratified
from tests.curation.selectors.clusters import clustered, pool_of

CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [4, 4]], np.float64)


def test_the_worked_numbers_of_entropy_change() -> None:
    assert entropy(CORNERS) == pytest.approx(2.7411, abs=1e-4)
    expected = [-0.127, 0.354, 0.354, -0.221, 1.290]
    assert entropy_change(CORNERS) == pytest.approx(expected, abs=1e-3)


def test_the_closed_form_is_leaving_each_point_out() -> None:
    points = np.random.default_rng(0).normal(size=(40, 5))
    expected = [entropy(points) - entropy(np.delete(points, i, axis=0)) for i in range(40)]
    assert entropy_change(points) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "points", [np.ones((4, 2)), np.zeros((1, 3)), np.zeros((0, 2)), np.zeros((3, 0))]
)
def test_points_without_spread_change_nothing(points: np.ndarray) -> None:
    assert entropy_change(points).tolist() == [0] * len(points)


def test_points_on_a_line_give_finite_changes() -> None:
    line = np.column_stack([np.arange(6.0), 2 * np.arange(6.0)])
    assert np.isfinite(entropy_change(line)).all()


def test_two_heaps_are_two_components() -> None:
    heaps = np.repeat([[0.0, 0], [9, 9]], 20, axis=0)
    heaps += np.random.default_rng(0).normal(size=(40, 2))
    of = components(heaps, 2, 0)
    assert len(set(of[:20])) == len(set(of[20:])) == 1
    assert of[0] != of[20]
    assert components(heaps[:3], 2, 0).tolist() == [0, 0, 0]


def test_outliers_of_their_component_are_drawn_more_often_than_its_middle() -> None:
    vectors = clustered(80, d=6, seed=3, clusters=2)
    pool, drawn = pool_of(vectors), np.zeros(80)
    selector = IsaSampler(components=1, dimensions=4)
    changes, _ = selector.changes(vectors.astype(np.float32), 0)
    for seed in range(150):
        drawn[selector.select(pool, 8, seed).order] += 1
    by_change = np.argsort(changes)
    assert drawn[by_change[-20:]].sum() > 2 * drawn[by_change[:20]].sum()
    assert (drawn > 0).sum() > 60  # a draw, not a top k


def test_a_high_temperature_draws_uniformly() -> None:
    pool, drawn = pool_of(clustered(10, d=3, seed=1)), np.zeros(10)
    for seed in range(500):
        drawn[IsaSampler(temperature=100).select(pool, 3, seed).order] += 1
    assert drawn == pytest.approx(150, abs=5 * np.sqrt(105))


def test_the_lowest_quality_goes_before_the_draw() -> None:
    pool = pool_of(clustered(20, d=3, seed=2), quality=np.arange(20.0))
    found = IsaSampler(drop_lowest=0.25).select(pool, 20, 0)
    assert sorted(found.order.tolist()) == list(range(5, 20))
    assert list(found.reasons)[:5] == ["gate:quality"] * 5
    assert np.isnan(found.importance[:5]).all()


def contexts() -> Pool:
    pool = pool_of(
        np.zeros((7, 1)),
        gap=np.array([0.1, 0.1, 0.9, 0.5, 0.4, 0.3, 0.8]),
        entropy=np.array([0.5, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]),
        reproduced=np.array([1.0, 1, 1, 1, 1, 1, 0]),
    )
    return replace(
        pool, prompt_ids=["p", "p", "q", "r", "s", "t", "u"], fields={"source": list("aaaaabb")}
    )


def test_each_context_keeps_its_surest_rationale_and_each_stratum_its_share() -> None:
    selector = UncertaintyGapStratified(gap="gap", entropy="entropy", reproduced="reproduced")
    found = selector.select(contexts(), 3)
    # contexts: p, q, r, s in a (⌈4 / 5 · 3⌉ = 3 seats), t in b (1 seat)
    assert found.order.tolist() == [2, 3, 4]
    assert found.reasons[0] == "same_context"
    assert found.reasons[6] == "gate:reproduced"
    assert found.reasons[1] == found.reasons[5] == "over_budget"
    assert selector.select(contexts(), 9).order.tolist() == [2, 3, 4, 5, 1]


def test_without_entropy_and_behaviour_the_first_pair_of_a_context_stands_for_it() -> None:
    found = UncertaintyGapStratified(gap="gap").select(contexts(), 9)
    assert found.order.tolist() == [2, 6, 3, 4, 5, 0]


def test_errors_fetch_the_more_the_worse_they_are() -> None:
    angles = np.concatenate([[0.0, 2.0], np.linspace(0.01, 0.2, 10), np.linspace(2.01, 2.2, 10)])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    nan = np.nan
    pool = pool_of(
        vectors,
        verified=np.array([1.0, 1] + [0.0] * 20),
        p_correct=np.array([0.3, 0.9] + [nan] * 20),
    )
    found = ErrorDrivenRetrieval(verified="verified", p_correct="p_correct").select(pool, 22)
    assert sorted(found.order.tolist()) == [*range(2, 10), 12]  # 8 and 1 = ⌈8 · 0.1⌉
    assert list(found.reasons)[:2] == ["verified"] * 2
    assert found.reasons[21] == "not_near_an_error"
    assert found.importance[2] == pytest.approx(np.cos(0.01), abs=1e-6)
    assert found.importance[found.order].tolist() == sorted(found.importance[found.order])[::-1]


def test_without_verified_pairs_the_pool_is_taken_by_id_and_that_is_recorded() -> None:
    pool = pool_of(np.eye(3), verified=np.zeros(3))
    found = ErrorDrivenRetrieval(verified="verified", p_correct="p").select(pool, 2)
    assert found.order.tolist() == [0, 1]
    assert "p" in found.degraded
