"""`prefsift topics`: what the prompts of a dataset are about, and what a subset keeps of it."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from service.cli.connection import connect
from service.cli.remote import DatasetName, dataset_named, follow


def topics(
    dataset: DatasetName,
    subset: Annotated[str | None, typer.Option(help="Id of a subset: how much it covers.")] = None,
    count: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Topics; else by the number of prompts.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the clusters.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the map as an HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """List the topics of the prompts with their terms, and what a subset keeps of each.

    Example: prefsift topics mine --subset 1b9d6bcd-… --out map.html
    """
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/topics"
    asked: dict[str, Any] = {"subset": subset, "count": count, "seed": seed}
    told = api.get(path, **asked)
    if told["job"] is not None:
        follow(api, told["job"])
        told = api.get(path, **asked)
    if out is not None:
        given = {name: value for name, value in asked.items() if value is not None}
        out.write_bytes(api.request("GET", f"{path}.html", params=given).content)
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    console = Console()
    console.print(table(told))
    if told["coverage"] is not None:
        console.print(in_words(told["coverage"]), markup=False, soft_wrap=True)


def table(told: dict[str, Any]) -> Table:
    columns = ["topic", "terms", "prompts", "pairs"]
    found = Table(*columns, *(["kept", "random would"] if told["coverage"] else []), box=None)
    for each in told["topics"]:
        row = [str(each["topic"]), ", ".join(each["terms"][:5]), f"{each['prompts']:,}",
               f"{each['pairs']:,}"]  # fmt: skip
        if told["coverage"]:
            row += [f"{each['kept']:,}", f"{each['expected']:.1f}"]
        found.add_row(*row)
    return found


def in_words(cover: dict[str, Any]) -> str:
    said = (
        f"{cover['prompts_kept']:,} of {cover['prompts']:,} prompts: {cover['topics_covered']} of "
        f"{cover['topics']} topics (a random subset {cover['topics_covered_by_random']}); the "
        f"topics' shares differ from the pool's by {cover['shift']:.2f} (random "
        f"{cover['shift_of_random']:.2f})"
    )
    if cover["neighbourhoods_covered"] is None:
        return said
    return (
        f"{said}; {cover['neighbourhoods_covered']:.1%} of the prompts have a kept one nearby "
        f"(random {cover['neighbourhoods_covered_by_random']:.1%})"
    )
