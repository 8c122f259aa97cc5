"""`--recipe`: the id of a recipe, or a recipe file that is sent whole."""

from typing import Any

import typer

from curation.recipes import RECIPES, load

DEFAULT = "safe_default"  # docs/adr/0006 says why


def known_recipe(name: str) -> str | dict[str, Any]:
    """The id of a shipped recipe; the recipe itself where it comes from a file.

    Raises BadParameter, with the line and the field where a file is no recipe.
    """
    try:
        recipe = load(name)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--recipe") from error
    return name if name in RECIPES else recipe.model_dump(mode="json")


def builds_pairs(recipe: str | dict[str, Any]) -> bool:
    """Whether the recipe brings a pair policy."""
    return bool(RECIPES[recipe].pairs if isinstance(recipe, str) else recipe["pairs"])
