"""Every shipped recipe keeps the same pairs in two processes whose hashes have other seeds."""

import os
import subprocess
import sys
from pathlib import Path

import orjson

from curation.recipes import RECIPES, Recipe, apply
from tests.curation.evaluation.learnable import learnable

ROOT = Path(__file__).parents[3]


def quick(recipe: Recipe) -> Recipe:
    """Without the language model, which takes a minute to load, and with few bootstraps."""
    body = recipe.model_dump(mode="json")
    for signal in body["signals"].values():
        if signal["kind"] == "prompt_quality":
            signal["model"] = "/no such folder"  # a bare name is asked of the hub
        if "bootstraps" in signal:
            signal["bootstraps"] = 2
    return Recipe.model_validate(body)


def kept() -> dict[str, list[str]]:
    """The ids that each recipe keeps of 32 pairs, in its order; every signal is computed."""
    pairs = learnable(32, seed=1, flips=0.2)
    found = {name: apply.select(quick(each), pairs, {}, 8, 3) for name, each in RECIPES.items()}
    return {name: [pairs.ids[int(row)] for row in each.order] for name, each in found.items()}


def test_two_processes_keep_the_same_ids_by_every_recipe() -> None:
    code = f"import orjson; from {__name__} import kept; print(orjson.dumps(kept()).decode())"
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    here = kept()
    out, _ = other.communicate()
    assert other.returncode == 0
    assert orjson.loads(out.splitlines()[-1]) == here
    assert set(here) == set(RECIPES)
    assert any(here.values())
