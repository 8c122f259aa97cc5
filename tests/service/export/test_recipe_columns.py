import pytest

from curation.recipes import RECIPES, Recipe
from service.export.recipe_columns import names, placed, wish
from service.routes.exports import ExportIn, check_layout

ROW = {"weight": 1.0, "margin": 2.0, "p": 0.3, "gap": None}


def test_an_output_takes_its_place_and_what_the_labels_say_stays_beside_it() -> None:
    told = placed(ROW, {"margin": "p", "trust": "gap"})
    assert told == {**ROW, "margin": 0.3, "label_margin": 2.0, "trust": None}
    assert names(["margin", "soft_label"], {"margin": "p", "trust": "gap"}) == [
        "label_margin", "soft_label", "margin", "trust",
    ]  # fmt: skip


def test_a_weight_without_a_value_is_one() -> None:
    assert placed(ROW, {"weight": "p"})["weight"] == 0.3
    assert placed(ROW, {"weight": "gap"})["weight"] == 1.0
    assert names([], {"weight": "p"}) == []


def test_a_recipe_wishes_for_a_layout_and_the_request_changes_its_options() -> None:
    said = {"export": {"layout": "csv", "options": {"neutralise": True}}}
    assert wish(said, {}) == said["export"]
    assert wish(said, {"neutralise": False})["options"] == {"neutralise": False}
    assert wish({"export": None}, {}) == wish({}, {}) == {}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.id)
def test_the_layout_that_a_shipped_recipe_wishes_for_takes_its_options(recipe: Recipe) -> None:
    check_layout(ExportIn(**wish(recipe.model_dump(mode="json"), {})))
