"""`--recipe`: the id of a recipe, or a recipe file that is sent whole."""

from typing import Any

import typer

from curation.recipes import RECIPES, load


def known_recipe(name: str) -> str | dict[str, Any]:
    """The id of a shipped recipe; the recipe itself where it comes from a file.

    Raises BadParameter, with the line and the field where a file is no recipe.
    """
    try:
        recipe = load(name)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--recipe") from error
    return name if name in RECIPES else recipe.model_dump(mode="json")


def policy_of(recipe: str | dict[str, Any]) -> dict[str, Any] | None:
    """The pair policy that a recipe brings."""
    if not isinstance(recipe, str):
        return recipe["pairs"]
    pairs = RECIPES[recipe].pairs
    return None if pairs is None else pairs.model_dump(mode="json")
