"""`prefsift recipes` and `prefsift signals`: what this version knows. Needs no server."""

from typing import Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console
from rich.table import Table

from curation.recipes import RECIPES, load
from service.routes.catalogue import line
from service.routes.catalogue import signals as known_signals

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
Name = Annotated[str, typer.Argument(help="The id of a recipe, or the path of a recipe file.")]

recipes = typer.Typer(help="The recipes that come with prefsift, or one of them in full.")


@recipes.callback(invoke_without_command=True)
def list_recipes(context: typer.Context, as_json: Json = False) -> None:
    """List the recipes. `prefsift recipes show fifa` prints one in full."""
    if context.invoked_subcommand is not None:
        return
    lines = [line(recipe) for recipe in RECIPES.values()]
    if as_json:
        typer.echo(orjson.dumps(lines).decode())
        return
    table = Table("id", "paper", "title", box=None, pad_edge=False)
    for each in lines:
        table.add_row(each["id"], each["paper"] or "", each["title"])
    Console().print(table)


@recipes.command("show")
def show_recipe(name: Name, as_json: Json = False) -> None:
    """Print a recipe with every default filled in: a file to start an own one from.

    Example: prefsift recipes show fifa > mine.yaml
    """
    try:
        recipe = load(name)
    except (ValueError, OSError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    body: dict[str, Any] = recipe.model_dump(mode="json")
    if as_json:
        typer.echo(orjson.dumps({**body, "sha256": recipe.sha256()}).decode())
    else:
        typer.echo(yaml.safe_dump(body, sort_keys=False, allow_unicode=True), nl=False)


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
