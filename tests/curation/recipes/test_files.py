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
        ("reward_margin}", "reward_margin, folds: 1}", "line 4, signals.m.folds: 1 is wrong: it"),
        (
            "kind: reward_margin",
            "kind: magic",
            "line 4, signals.m: there is no kind 'magic'; known: ",
        ),
        ("reward_margin", "reward_margn", "there is no kind 'reward_margn'; near: reward_margin"),
        ("reward_margin}", "reward_margin, fold: 3}", "line 4, signals.m.fold: there is no such"),
        ("title: Mine\n", "", "line 1, title: is missing"),
        (
            "selector: {kind: top",
            "selector:\n  {kin: top",
            "line 6, selector: it names no kind: every",
        ),
        ("terms:", "outputs: {chosen: margin}\nterms:", "line 5, outputs.chosen: chosen is what"),
        ("terms:", "pairs: nope\nterms:", "line 5, pairs: there is no pair policy 'nope'"),
        (
            "terms:",
            "needs: [{what: luck, for: x}]\nterms:",
            "line 5, needs.0.what: 'luck' is none of",
        ),
        (
            "terms:",
            "outputs: {weight: gone}\nterms:",
            "line 5, outputs.weight: no term of the recipe is",
        ),
        (
            "term: margin",
            "term: margn",
            "line 6, selector.term: no term of the recipe is called margn; near: margin",
        ),
        ("m.margin_mean", "m.margin_men", "line 5, terms.margin: term margin: m has no output"),
        ("m.margin_mean", "n.margin_mean", "line 5, terms.margin: term margin: the recipe has no"),
        (
            "reward_margin}",
            "preference_strength, edges: [0.4, 0.1]}",
            "line 4, signals.m.edges: edges ascend between 0 and 1, not 0.4, 0.1",
        ),
        (
            "terms:",
            "expects: [{check: within, term: margin, low: 2, high: 1}]\nterms:",
            "line 5, expects.0: low 2 is above high 1",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_line_and_field(old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"mine\.yaml line") as error:
        parse(GOOD.replace(old, new, 1), "mine.yaml")
    assert said in str(error.value)


def test_every_term_that_is_wrong_is_said_at_its_own_line() -> None:
    checks = "expects:\n  - {check: size}\n  - {check: mean_above_pool, term: gone}\n"
    gates = "{kind: gates, all: [{term: lost, at_least: 1}], then: {kind: top, term: margin}}"
    text = GOOD.replace("{kind: top, term: margin}", gates) + checks
    with pytest.raises(ValueError, match="no term") as error:
        parse(text, "mine.yaml")
    first, second = str(error.value).split("; known: margin")[:2]
    assert first.startswith("mine.yaml line 6, selector.all.0.term: no term of the recipe is")
    assert second.startswith("; mine.yaml line 9, expects.1.term: no term of the recipe is")


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
