import subprocess
import sys
from pathlib import Path

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


def test_a_shown_recipe_is_its_file_with_its_comments() -> None:
    text = run("recipes", "show", "fifa")
    assert Recipe.model_validate(yaml.safe_load(text)) == RECIPES["fifa"]
    assert "folds" not in text  # a default
    full = orjson.loads(run("recipes", "show", "fifa", "--json"))
    assert full.pop("sha256") == Recipe.model_validate(full).sha256()


def test_each_recipe_says_what_it_needs_gives_and_costs_and_whether_it_runs() -> None:
    lines = orjson.loads(run("recipes", "--json"))
    assert {line["runs"].partition(":")[0] for line in lines} <= {"full", "degraded", "needs"}
    by_name = {line["name"]: line for line in lines}
    gold = by_name["conformal_clean"]["needs"][0]
    assert (gold["what"], gold["for"], gold["least"], gold["present"]) == (
        "gold", "calibration", 200, None,
    )  # fmt: skip
    assert by_name["lcpo"]["gives"] == ["subset", "soft_label", "annotator_eta"]
    assert by_name["deita"]["cost"]["texts"] == 5
    assert by_name["fifa"]["cost"]["seconds_per_1000_pairs"] > 0


def test_a_file_says_which_recipes_it_suits(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 3)
    lines = orjson.loads(run("recipes", str(file), "--json"))
    found = {line["name"]: line["runs"] for line in lines}
    assert found["random"] == "full"
    assert found["conformal_clean"] == "needs:[gold >= 200]"
    told = run("recipes", str(file))
    assert all(len(line) <= 80 and line == line.rstrip() for line in told.splitlines())
    assert told.startswith(f"{len(RECIPES)} recipes; on pairs.jsonl, ")
    first, second, third = (told.index(f"\n{name} ") for name in ("fifa", "deita", "oasst_ranked"))
    assert first < second < third  # in full, degraded, not at all
    assert "\n    needs gold, 200 or more (there: 0): calibration\n" in told
    assert "\n    without judge (there: 0): " in told


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
