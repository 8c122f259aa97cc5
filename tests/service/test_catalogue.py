import subprocess
import sys

import orjson
import pytest
import typer
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from curation.recipes import RECIPES, Recipe
from service.app import app
from service.cli import catalogue

HEAVY = ("torch", "transformers", "sklearn", "faiss", "sentence_transformers")

api = TestClient(app)
cli = typer.Typer()
cli.add_typer(catalogue.recipes, name="recipes")
cli.command("signals")(catalogue.signals)


def run(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_api_lists_signals_with_their_outputs_and_parameters() -> None:
    found = {signal["kind"]: signal for signal in api.get("/api/v1/signals").json()}
    assert {"embedding", "knn_novelty", "prompt_quality", "reward_margin", "style"} <= set(found)
    margin = found["reward_margin"]
    assert margin["outputs"][0]["name"] == "margin_mean"
    assert margin["outputs"][0]["low"] is None
    assert "folds" in margin["parameters"]["properties"]


def test_the_api_lists_recipes_and_shows_one_that_can_be_sent_back() -> None:
    listed = [recipe["id"] for recipe in api.get("/api/v1/recipes").json()]
    assert listed == list(RECIPES)
    shown = api.get("/api/v1/recipes/fifa").json()
    assert shown["paper"] == "2410.10166"
    assert Recipe.model_validate(shown["recipe"]).sha256() == shown["sha256"]


def test_an_unknown_recipe_is_a_problem_that_names_the_known_ones() -> None:
    answer = api.get("/api/v1/recipes/nope")
    assert answer.status_code == 404
    assert "fifa" in answer.json()["detail"]


def test_the_api_lists_the_layouts() -> None:
    found = api.get("/api/v1/formats").json()
    assert found
    assert all(layout["description"] for layout in found)


def test_the_command_line_lists_what_the_api_lists() -> None:
    assert orjson.loads(run("recipes", "--json")) == api.get("/api/v1/recipes").json()
    assert orjson.loads(run("signals", "--json")) == api.get("/api/v1/signals").json()
    assert "fifa" in run("recipes")
    assert "margin_mean" in run("signals")


def test_a_shown_recipe_is_a_recipe_file() -> None:
    shown = Recipe.model_validate(yaml.safe_load(run("recipes", "show", "fifa")))
    assert shown == RECIPES["fifa"]


def test_an_unknown_recipe_is_refused_by_name() -> None:
    result = CliRunner().invoke(cli, ["recipes", "show", "nope"])
    assert result.exit_code == 2
    assert "there is no recipe 'nope'" in result.stderr


@pytest.mark.parametrize(
    "module", ["curation.signals", "curation.recipes.apply", "curation.evaluation", "service.app"]
)
def test_describing_the_science_loads_no_model_library(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
