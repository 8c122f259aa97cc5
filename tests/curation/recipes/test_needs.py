import pytest
from pydantic import ValidationError

from curation.recipes import RECIPES, Need, Recipe, What, runs
from curation.recipes.needs import INSTALLED

JUDGE = Need.model_validate({"what": "judge", "for": "scores"})
GOLD = Need.model_validate({"what": "gold", "for": "anchors", "least": 200})
SOFT = Need.model_validate({"what": "source", "for": "strata", "without": "one stratum"})


def test_a_recipe_without_needs_runs_in_full() -> None:
    assert str(runs((), {What.judge: 0})) == "full"


def test_what_is_missing_and_has_no_substitute_is_named() -> None:
    found = runs((JUDGE, GOLD, SOFT), {What.judge: 0, What.gold: 199, What.source: 0})
    assert str(found) == "needs:[judge, gold >= 200]"
    assert found.refusal() == "it needs judge (scores); it needs gold >= 200 (anchors)"


def test_what_is_missing_and_has_a_substitute_degrades() -> None:
    found = runs((GOLD, SOFT), {What.gold: 200, What.source: 0})
    assert str(found) == "degraded"
    assert found.sentences() == ("source: one stratum",)


def test_what_nobody_counted_is_held_to_be_there() -> None:
    assert str(runs((JUDGE, GOLD, SOFT), {})) == "full"


def test_a_need_reads_and_writes_the_word_for() -> None:
    assert JUDGE.model_dump(mode="json")["for"] == "scores"
    assert Need.model_validate(JUDGE.model_dump(mode="json")) == JUDGE
    with pytest.raises(ValidationError):
        Need.model_validate({"what": "luck", "for": "it"})


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.id)
def test_a_shipped_recipe_that_needs_a_model_says_what_happens_without(recipe: Recipe) -> None:
    for need in recipe.needs:
        if need.what in INSTALLED:
            assert need.without, need
