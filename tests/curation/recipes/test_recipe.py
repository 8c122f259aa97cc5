from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from curation.recipes import RECIPES, Recipe, load

FIFA: dict[str, Any] = RECIPES["fifa"].model_dump(mode="json")


def test_the_recipes_of_this_release_are_found() -> None:
    assert {"fifa", "random", "top_margin"} <= set(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.id)
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert again.sha256() == recipe.sha256()


def test_every_parameter_counts_in_the_hash() -> None:
    changed = {**FIFA, "selector": {**FIFA["selector"], "gamma": 0.0}}
    assert Recipe.model_validate(changed).sha256() != RECIPES["fifa"].sha256()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"terms": {**FIFA["terms"], "margin": "margin.nope"}}, "has no output 'nope'"),
        ({"terms": {**FIFA["terms"], "margin": "gone.margin_mean"}}, "no signal 'gone'"),
        ({"terms": {"margin": "margin.margin_mean"}}, "no term of the recipe is called"),
        ({"selector": {"kind": "magic"}}, "magic"),
        ({"signals": {"margin": {"kind": "magic"}}}, "reward_margin"),
        ({"budget": "many"}, "a budget is"),
        ({"colour": "red"}, "colour"),
        ({"expects": [{"check": "size", "term": "margin"}]}, "every other check needs one"),
    ],
)
def test_a_recipe_that_does_not_fit_together_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate({**FIFA, **change})


def test_a_recipe_loads_by_name_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(RECIPES["fifa"].model_dump_json())
    assert load(str(file)) == load("fifa")


@pytest.mark.parametrize("text", ["[", "- a", "3", ""])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.yaml is not"):
        load(str(file))


def test_an_unknown_name_is_refused_with_the_nearest_or_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'fiffa'; near: fifa; or"):
        load("fiffa")
    with pytest.raises(ValueError, match=r"known: .*fifa, .*random, .*top_margin"):
        load("qqqq")
