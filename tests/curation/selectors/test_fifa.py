import numpy as np
import pytest

from curation.selectors import Pool
from curation.selectors.fifa import Fifa
from curation.selectors.random import Random
from curation.selectors.top import Top
from tests.curation.selectors.test_conformance import make_pool

# S03's points 0, 0.1, 1, 3 with k = 1, and L01's worked numbers on them.
LOG_DISTANCE = np.log([0.1, 0.1, 0.9, 2.0])
WORKED = Pool(
    list("abcd"),
    list("abcd"),
    list("abcd"),
    {
        "margin": np.array([0.2, 1, 0.5, 0.05]),
        "quality": np.array([0.8, 0.3, 0.9, 0.7]),
        "novelty": LOG_DISTANCE,
    },
    np.array([[0.0], [0.1], [1.0], [3.0]]),
)


def test_the_worked_numbers_of_the_relaxed_form() -> None:
    found = Fifa(normalise="none").select(WORKED, 2)
    assert found.importance == pytest.approx([-0.551, -0.001, 0.897, 0.747], abs=5e-4)
    assert found.order.tolist() == [2, 3]
    assert found.objective == pytest.approx(0.897 + 0.747, abs=1e-3)


def test_without_novelty_margin_and_quality_decide() -> None:
    found = Fifa(normalise="none", gamma=0).select(WORKED, 2)
    assert found.importance == pytest.approx([0.60, 1.15, 0.95, 0.40])
    assert found.order.tolist() == [1, 2]


def test_greedy_is_the_double_loop() -> None:
    rng = np.random.default_rng(0)
    n = 40
    vectors = rng.normal(size=(n, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    margin = rng.normal(size=n)
    ids = [f"{i:02}" for i in range(n)]
    found = Fifa(mode="greedy", alpha=0, gamma=2, normalise="none").select(
        Pool(ids, ids, ids, {"margin": margin}, vectors), 12
    )
    chosen = [int(margin.argmax())]
    while len(chosen) < 12:
        gains = {
            i: margin[i]
            + 2 * np.log(min(float(np.linalg.norm(vectors[i] - vectors[j])) for j in chosen) + 1e-6)
            for i in set(range(n)) - set(chosen)
        }
        chosen.append(max(gains, key=lambda i: gains[i]))
    assert found.order.tolist() == chosen


def test_greedy_spreads_where_relaxed_takes_a_cluster() -> None:
    angles = np.array([0.0, 0.01, 0.02, 2.0])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    pool = Pool(
        list("abcd"), list("abcd"), list("abcd"), {"margin": np.array([4, 3, 2, 1])}, vectors
    )
    assert Fifa(alpha=0).select(pool, 2).order.tolist() == [0, 1]
    assert Fifa(alpha=0, mode="greedy").select(pool, 2).order.tolist() == [0, 3]


def test_the_absolute_margin_takes_what_the_signed_one_refuses() -> None:
    pool = make_pool([(0, 0, [-5, 0, 0]), (1, 1, [1, 0, 0]), (2, 2, [0, 0, 0])])
    assert Fifa().select(pool, 1).order.tolist() == [1]
    assert Fifa(margin="abs").select(pool, 1).order.tolist() == [0]


def test_a_prompt_has_at_most_two_pairs() -> None:
    pool = make_pool([(0, i, [9 - i, 0, 0]) for i in range(4)] + [(1, 9, [0, 0, 0])])
    found = Fifa().select(pool, 4)
    assert found.order.tolist() == [0, 1, 4]
    assert list(found.reasons) == ["selected", "selected", "prompt_cap", "prompt_cap", "selected"]


@pytest.mark.parametrize("selector", [Fifa(), Fifa(mode="greedy"), Top()])
def test_the_same_two_texts_are_taken_once(selector: Fifa | Top) -> None:
    pool = make_pool([(0, 0, [2, 0, 0]), (0, 0, [1, 0, 0]), (1, 1, [0, 0, 0])])
    found = selector.select(pool, 3)
    assert found.order.tolist() == [0, 2]
    assert found.reasons[1] == "duplicate_pair"


def test_a_pair_without_a_term_cannot_be_selected_and_says_which() -> None:
    nan = np.nan
    pool = make_pool([(0, 0, [1, 1, 1]), (1, 1, [nan, 1, 1]), (2, 2, [1, nan, nan])])
    found = Fifa().select(pool, 3)
    assert list(found.reasons) == ["selected", "missing:margin", "missing:quality"]
    assert np.isnan(found.importance).tolist() == [False, True, True]
    assert found.degraded == ()


def test_a_term_that_nothing_has_is_left_out_and_recorded() -> None:
    pool = make_pool([(i, i, [i, np.nan, i]) for i in range(3)])
    found = Fifa().select(pool, 1)
    assert found.order.tolist() == [2]
    assert found.degraded == ("quality",)


def test_greedy_without_vectors_records_that_novelty_is_left_out() -> None:
    pool = Pool(["a"], ["a"], ["a"], {"margin": np.ones(1), "quality": np.ones(1)})
    assert Fifa(mode="greedy").select(pool, 1).degraded == ("novelty",)


def test_top_takes_the_lowest_where_asked() -> None:
    pool = make_pool([(i, i, [float(i), 0, 0]) for i in range(5)])
    assert Top().select(pool, 2).order.tolist() == [4, 3]
    assert Top(first="lowest").select(pool, 2).order.tolist() == [0, 1]


def test_random_draws_each_pair_equally_often_and_keeps_duplicates() -> None:
    pool = make_pool([(0, 0, [0, 0, 0]) for _ in range(10)])
    drawn = np.zeros(10)
    for seed in range(2000):
        drawn[Random().select(pool, 3, seed).order] += 1
    assert drawn == pytest.approx(600, abs=5 * np.sqrt(2000 * 0.3 * 0.7))


def test_a_smaller_random_budget_is_a_part_of_the_larger_one() -> None:
    pool = make_pool([(i, i, [0, 0, 0]) for i in range(30)])
    large, small = Random().select(pool, 10, 4), Random().select(pool, 4, 4)
    assert small.order.tolist() == large.order.tolist()[:4]
