from pathlib import Path

import pytest

from curation.recipes import RECIPES, Recipe, load
from curation.recipes.recipe import parse, source

GOOD = """\
id: mine
title: Mine
signals:
  m: {kind: reward_margin}
terms: {margin: m.margin_mean}
selector: {kind: top, term: margin}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reward_margin}", "reward_margin, folds: 1}", "line 4, signals.m.folds: Input should be"),
        ("kind: reward_margin", "kind: magic", "line 4, signals.m: Input tag 'magic'"),
        ("title: Mine\n", "", "line 1, title: Field required"),
        (
            "selector: {kind: top",
            "selector:\n  {kin: top",
            "line 6, selector: Unable to extract tag",
        ),
        ("terms:", "outputs: {chosen: margin}\nterms:", "line 5, outputs.chosen: chosen is what"),
        ("terms:", "pairs: nope\nterms:", "line 5, pairs: there is no pair policy 'nope'"),
        ("terms:", "needs: [{what: luck, for: x}]\nterms:", "line 5, needs.0.what: Input should"),
        ("terms:", "outputs: {weight: gone}\nterms:", "no term of the recipe is called gone"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_line_and_field(old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"mine\.yaml line") as error:
        parse(GOOD.replace(old, new, 1), "mine.yaml")
    assert said in str(error.value)


def test_a_named_policy_becomes_the_whole_one() -> None:
    recipe = parse(GOOD + "pairs: curry\n", "mine.yaml")
    assert recipe.pairs is not None
    assert recipe.pairs.name() == "curry"
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_parts_that_came_later_leave_the_name_of_older_recipes_alone() -> None:
    plain = parse(GOOD, "mine.yaml")
    assert plain.sha256() == "8866ee4a69ca68d30b7a0e90a855f8ce060dc27687c84c478a69801796ee91f4"
    assert parse(GOOD + "outputs: {margin: margin}\n", "mine.yaml").sha256() != plain.sha256()


@pytest.mark.parametrize("name", RECIPES)
def test_the_file_of_a_shipped_recipe_is_a_recipe_of_its_name(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "mine.yaml"
    copy.write_text(source(name))
    assert load(str(copy)) == RECIPES[name]
