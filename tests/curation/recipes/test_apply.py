from dataclasses import replace

import numpy as np
import pytest

from curation.items import Pairs, View
from curation.recipes import RECIPES, Recipe, apply
from tests.curation.evaluation.learnable import learnable

STYLE = Recipe.model_validate(
    {
        "id": "longest",
        "title": "Longest",
        "signals": {"style": {"kind": "style"}, "novelty": {"kind": "knn_novelty", "k": 1}},
        "terms": {"length": "style.length_log_ratio", "novelty": "novelty.log_distance"},
        "selector": {"kind": "top", "term": "length"},
        "expects": [
            {"check": "size"},
            {"check": "mean_above_pool", "term": "length"},
            {"check": "mean_not_below_pool", "term": "novelty"},
        ],
    }
)


def three() -> Pairs:
    vectors = {View.prompt: np.array([[1.0, 0], [1, 0], [0, 1]], np.float32)}
    return Pairs(
        list("abc"),
        ["p", "p", "q"],
        ["P", "P", "Q"],
        ["aaa", "a", "aa"],
        ["a", "aaa", "a"],
        vectors,
    )


def test_terms_that_are_not_given_are_computed() -> None:
    values = apply.term_values(STYLE, three(), {})
    assert values["length"] == pytest.approx([np.log(2), -np.log(2), np.log(1.5)])
    assert values["novelty"] == pytest.approx(np.full(3, np.log(np.sqrt(2))), abs=1e-5)


def test_a_given_term_is_taken_as_it_is() -> None:
    given = {"length": np.array([0.0, 1, 2])}
    assert apply.term_values(STYLE, three(), given)["length"].tolist() == [0, 1, 2]
    assert apply.select(STYLE, three(), given, 1, 0).order.tolist() == [2]


def test_a_flipped_duplicate_has_the_same_content_and_another_prompt_has_not() -> None:
    a, b, c = apply.content_ids(three())
    assert a == b != c
    assert apply.content_id("x", ("1", "23")) != apply.content_id("x", ("12", "3"))


def test_the_expectations_are_checked_and_reported() -> None:
    pool = apply.pool(STYLE, three(), {})
    checked = apply.check(STYLE, pool, apply.select(STYLE, three(), {}, 2, 0), 2)
    assert [one.met for one in checked] == [True, True, True]
    short = apply.check(STYLE, pool, apply.select(STYLE, three(), {}, 3, 0), 3)
    assert (short[0].met, short[0].value, short[0].reference) == (False, 2, 3)
    empty = apply.check(STYLE, pool, apply.select(STYLE, three(), {}, 0, 0), 0)
    assert [one.met for one in empty] == [True, None, None]


def test_fifa_runs_end_to_end_on_pairs_alone_in_any_order() -> None:
    pairs, quality = learnable(60, seed=1), np.linspace(0, 1, 60)
    ids = np.array(pairs.ids)
    found = apply.select(RECIPES["fifa"], pairs, {"quality": quality}, 10, 0)
    rows = np.random.default_rng(0).permutation(60)
    other = apply.select(RECIPES["fifa"], pairs.take(rows), {"quality": quality[rows]}, 10, 0)
    assert ids[found.order].tolist() == ids[rows][other.order].tolist()
    assert found.degraded == ()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_tiny_dataset_gives_what_it_can_and_says_what_it_lacks(n: int) -> None:
    pairs = learnable(60, seed=1).take(np.arange(n))
    found = apply.select(RECIPES["fifa"], pairs, {"quality": np.ones(n)}, n, 0)
    assert len(found.order) == n
    assert "margin" in found.degraded


VECTORED = {
    View.prompt: np.random.default_rng(3).normal(size=(60, 6)).astype(np.float32),
    View.prompt_chosen: np.random.default_rng(4).normal(size=(60, 6)).astype(np.float32),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.id)
def test_a_shipped_recipe_runs_on_pairs_with_their_scores(recipe: Recipe) -> None:
    fields = {name: ["a", "b"] * 30 for name in recipe.selector.field_names()}
    pairs = replace(learnable(60, seed=1), vectors=VECTORED, fields=fields)
    rng = np.random.default_rng(0)
    given = {term: rng.normal(size=60) for term in recipe.terms}
    pool = apply.pool(recipe, pairs, given)
    found = recipe.selector.select(pool, 10, 0)
    assert len(found.order) <= 10
    assert len(apply.check(recipe, pool, found, 10)) == len(recipe.expects)
    rows = np.random.default_rng(1).permutation(60)
    other = apply.pool(recipe, pairs.take(rows), {t: column[rows] for t, column in given.items()})
    again = recipe.selector.select(other, 10, 0)
    ids = [pool.ids[row] for row in found.order]
    assert [other.ids[row] for row in again.order] == ids


def test_a_selector_sees_the_view_that_it_asks_for() -> None:
    pairs = replace(learnable(60, seed=1), vectors=VECTORED)
    given = {"complexity": np.ones(60), "quality": np.ones(60)}
    found = apply.pool(RECIPES["deita"], pairs, given).vectors
    assert found is VECTORED[View.prompt_chosen]


def test_length_and_which_answer_is_longer_are_known_of_all_pairs() -> None:
    found = apply.text_fields(three())
    assert found["longer"] == ["chosen", "rejected", "chosen"]
    assert found["length_band"] == ["3", "0", "1"]
