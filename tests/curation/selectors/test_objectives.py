from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.recipes import Recipe
from curation.selectors import Pool
from curation.selectors.curriculum import Curriculum
from curation.selectors.gates import Condition, Gates
from curation.selectors.k_center import KCenter
from curation.selectors.pareto import Pareto, crowding, fronts
from curation.selectors.top import Top
from curation.selectors.weighted import Weighted
from tests.curation.selectors.clusters import pool_of


def columns(**scores: list[float]) -> Pool:
    size = len(next(iter(scores.values())))
    found = {name: np.array(values, np.float64) for name, values in scores.items()}
    return pool_of(np.eye(size), **found)


MAGPIE = replace(
    columns(reward=[-12, 1, 2, 3, 4], length=[9, 8, 7, 6, 5]),
    fields={"quality": ["good", "poor", "good", "excellent", "good"]},
)
RULES = (
    Condition(field="quality", one_of=("good", "excellent")),
    Condition(term="reward", at_least=-10),
)


def test_magpies_gates_name_the_first_that_fails() -> None:
    found = Gates(all=RULES, then=Top(term="length")).select(MAGPIE, 2)
    assert found.order.tolist() == [2, 3]
    assert list(found.reasons) == [
        "gate:reward", "gate:field quality", "selected", "selected", "over_budget",
    ]  # fmt: skip
    assert np.isnan(found.importance).tolist() == [True, True, False, False, False]


def test_one_of_several_conditions_is_enough() -> None:
    found = Gates(any=RULES, then=Top(term="length")).select(MAGPIE, 5)
    assert sorted(found.order.tolist()) == [0, 1, 2, 3, 4]
    strict = Gates(any=(Condition(term="reward", at_least=4),), then=Top(term="length"))
    assert strict.select(MAGPIE, 5).order.tolist() == [4]
    assert strict.select(MAGPIE, 5).reasons[0] == "gate:any"


def test_the_bounds_of_a_range_belong_to_it_and_a_missing_value_fails() -> None:
    pool = columns(reward=[1, 2, np.nan, 3])
    met = Condition(term="reward", at_least=1, at_most=2).met(pool)
    assert met is not None
    assert met.tolist() == [True, True, False, False]


def test_a_gate_on_what_nothing_has_is_skipped_and_recorded() -> None:
    found = Gates(all=(Condition(term="toxicity", at_most=0.5),), then=Top(term="length"))
    assert found.select(MAGPIE, 1).order.tolist() == [0]
    assert found.select(MAGPIE, 1).degraded == ("toxicity",)


def test_gates_that_nothing_passes_select_nothing() -> None:
    found = Gates(all=(Condition(term="reward", at_least=99),), then=KCenter()).select(MAGPIE, 3)
    assert found.order.tolist() == []
    assert set(found.reasons) == {"gate:reward"}


@pytest.mark.parametrize(
    "given",
    [
        {"all": [{"term": "a"}]}, {"all": [{"field": "a", "at_least": 1}]},
        {"all": [{"term": "a", "field": "b", "at_least": 1}]}, {"all": [{"at_least": 1}]},
        {"then": {"kind": "magic"}}, {"then": {"kind": "gates"}}, {"then": {"kind": ["top"]}},
        {"then": {"kind": "top", "x": 1}}, {"then": 3},
    ],
)  # fmt: skip
def test_a_gate_that_says_nothing_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Gates.model_validate(given)


def test_gates_survive_json_within_a_recipe() -> None:
    recipe = Recipe.model_validate(
        {
            "id": "gated", "title": "Gated", "signals": {"s": {"kind": "style"}},
            "terms": {"length": "s.length_log_ratio"},
            "selector": {"kind": "gates", "all": [{"term": "length", "at_most": 1}],
                         "then": {"kind": "k_center"}},
        }
    )  # fmt: skip
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert again.sha256() == recipe.sha256()
    assert isinstance(again.selector, Gates)
    assert again.selector.then == KCenter()


def test_a_weighted_sum_is_what_it_says() -> None:
    pool = columns(margin=[0, 1, 2], length=[0, 30, 40])
    found = Weighted(weights={"margin": 1, "length": -0.5}).select(pool, 2)
    assert found.importance == pytest.approx([0, 0.5 - 0.375, 1 - 0.5])
    assert found.order.tolist() == [2, 1]
    assert found.bound == found.objective


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a >= b).all() and (a > b).any())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.data())
def test_fronts_are_peeled_one_after_the_other(d: int, data: st.DataObject) -> None:
    row = st.lists(st.integers(0, 4), min_size=d, max_size=d)
    values = np.array(data.draw(st.lists(row, min_size=1, max_size=25)), np.float64)
    left, front, expected = set(range(len(values))), 0, np.zeros(len(values), np.int64)
    while left:
        best = {i for i in left if not any(dominates(values[j], values[i]) for j in left)}
        expected[list(best)] = front
        left, front = left - best, front + 1
    assert fronts(values).tolist() == expected.tolist()


def test_the_first_front_comes_first_and_its_ends_before_its_middle() -> None:
    pool = columns(margin=[3, 2, 1, 2.1, 0], quality=[1, 2, 3, 1.8, 0])
    found = Pareto().select(pool, 5)
    values = np.column_stack([pool.scores[name] for name in ("margin", "quality")])
    assert fronts(values.astype(np.float64)).tolist() == [0, 0, 0, 0, 1]
    assert found.order.tolist() == [0, 2, 1, 3, 4]
    low = Pareto(high=("margin",), low=("quality",)).select(pool, 1)
    assert low.order.tolist() == [0]


def test_crowding_is_infinite_at_the_ends() -> None:
    found = crowding(np.array([[3.0, 1], [2, 2], [1, 3]]))
    assert found.tolist() == [np.inf, 2, np.inf]
    assert crowding(np.ones((3, 2))).tolist() == [0, 0, 0]


def test_curry_trains_on_the_largest_gap_of_every_prompt_first() -> None:
    gaps = columns(margin=[7, 5, 2, 9, 1, 0.5])  # a9 b7 c4 d2 -> 7, 5, 2; and another prompt
    pool = replace(gaps, prompt_ids=["p", "p", "p", "q", "q", "q"])
    found = Curriculum(across="prompt").select(pool, 6)
    assert found.order.tolist() == [3, 0, 1, 4, 2, 5]
    assert Curriculum().select(pool, 6).order.tolist() == [3, 0, 1, 2, 4, 5]


def test_a_curriculum_is_spread_over_the_ranks_and_leaves_out_the_ends() -> None:
    pool = columns(margin=[float(i) for i in range(100)])
    found = Curriculum(easiest=0.1, hardest=0.2).select(pool, 7)
    kept = pool.scores["margin"][found.order]
    assert kept.tolist() == sorted(kept.tolist(), reverse=True)
    assert np.diff(kept) == pytest.approx([-10] * 6)
    assert (kept.min() >= 20, kept.max() < 90) == (True, True)
    assert list(found.reasons).count("outside_band") == 30
    with pytest.raises(ValidationError, match="leave nothing"):
        Curriculum(easiest=0.5, hardest=0.5)
