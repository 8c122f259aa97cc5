"""Recipes: one declarative file is one paper's pipeline, from signals to a subset."""
