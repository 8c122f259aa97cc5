"""One declarative file a recipe: a published pipeline, end to end."""

from curation.recipes.budget import Budget
from curation.recipes.needs import Need, Runs, What, runs
from curation.recipes.recipe import RECIPES, Expectation, Recipe, load

__all__ = [
    "RECIPES", "Budget", "Expectation", "Need", "Recipe", "Runs", "What", "load", "runs",
]  # fmt: skip
