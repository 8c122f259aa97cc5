"""`prefsift recipes` and `prefsift signals`: what this version knows. Needs no server."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from curation.recipes import What, load
from curation.recipes.needs import INSTALLED
from curation.recipes.recipe import source
from service.cli.default_command import defaults_to
from service.cli.recipe_words import tell_recipes
from service.cli.screen import Json
from service.installation import installed
from service.routes.catalogue import recipe_lines
from service.routes.catalogue import signals as known_signals

Name = Annotated[str, typer.Argument(help="The id of a recipe, or the path of a recipe file.")]
File = Annotated[
    Path | None, typer.Argument(help="Say what runs on this file.", exists=True, dir_okay=False)
]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", help="Say what runs on this dataset of the server.")
]


recipes = typer.Typer(
    cls=defaults_to("list"), help="The recipes that come with prefsift, or one of them in full."
)


@recipes.command("list")
def list_recipes(file: File = None, dataset: DatasetOption = None, as_json: Json = False) -> None:
    """List the recipes: what each needs, gives and costs, and whether it runs.

    Example: prefsift recipes pairs.jsonl
    """
    lines = lines_of(file, dataset)
    if as_json:
        typer.echo(orjson.dumps(lines).decode())
    else:
        tell_recipes(lines, str(file.name) if file else dataset)


def lines_of(file: Path | None, dataset: str | None) -> list[dict[str, Any]]:
    """Of this version; whether they run on the file or the dataset, where one is named."""
    if dataset is not None:
        from service.cli.connection import connect
        from service.cli.remote import dataset_named

        api = connect()
        found: Any = api.get(f"/datasets/{dataset_named(api, dataset)}/recipes")
        return found
    present = installed()
    if file is not None:
        from service.labels.held import of_file

        held = of_file(file)
        present = {**present, **{what: held[what] for what in What if what not in INSTALLED}}
    return [each.model_dump(mode="json", by_alias=True) for each in recipe_lines(present)]


@recipes.command("show")
def show_recipe(name: Name, as_json: Json = False) -> None:
    """Print a recipe's file, to copy and edit; with --json as it runs, every default filled in.

    Example: prefsift recipes show fifa > mine.yaml
    """
    try:
        recipe, text = load(name), source(name)
    except (ValueError, OSError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    body = {**recipe.model_dump(mode="json"), "sha256": recipe.sha256()}
    typer.echo(orjson.dumps(body).decode() if as_json else text, nl=as_json)


def signals(as_json: Json = False) -> None:
    """List the signals, their outputs and what a high value means."""
    found = known_signals()
    if as_json:
        typer.echo(orjson.dumps([signal.model_dump(mode="json") for signal in found]).decode())
        return
    console = Console()
    for signal in found:
        scope = ", learns from the whole dataset" if signal.whole_dataset else ""
        console.print(f"{signal.kind}  (per {signal.level}{scope})", style="bold", markup=False)
        console.print(signal.description.splitlines()[0], markup=False, soft_wrap=True)
        for output in signal.outputs:
            console.print(f"  {output.name}: {output.direction} [{output.unit}]", markup=False)
