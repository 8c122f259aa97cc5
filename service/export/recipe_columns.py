"""What a recipe says of an export: its layout, and columns beside what the labels say."""

from collections.abc import Mapping
from typing import Any

WEIGHT = "weight"  # has a column of its own in every export; 1 where the term has no value
OF_LABELS = "label_"


def names(labels: list[str], outputs: Mapping[str, str]) -> list[str]:
    """The columns of the labels, those that give way to an output renamed, and the outputs."""
    kept = [f"{OF_LABELS}{name}" if name in outputs else name for name in labels]
    return [*kept, *(name for name in outputs if name != WEIGHT)]


def placed(row: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[str, Any]:
    """The row with its outputs. `outputs`: column -> score column of the row. What the labels say
    by the same name stays, as `label_<name>`."""
    told = dict(row)
    for name, score in outputs.items():
        if name in row and name != WEIGHT:
            told[f"{OF_LABELS}{name}"] = row[name]
        value = row[score]
        told[name] = 1.0 if name == WEIGHT and value is None else value
    return told


def wish(recipe: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The layout and options of a request that names no layout; nothing where the recipe says
    none."""
    said = recipe.get("export")
    return {**said, "options": {**said["options"], **options}} if said else {}
