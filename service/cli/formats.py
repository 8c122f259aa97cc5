"""`prefsift formats`: the layouts that are known."""

from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from service.formats import FORMATS

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def formats(as_json: Json = False) -> None:
    """List the layouts that are read and written."""
    known = [
        {"name": name, "columns": list(layout.columns), "description": layout.description}
        for name, layout in FORMATS.items()
    ]
    if as_json:
        typer.echo(orjson.dumps(known).decode())
        return
    table = Table("name", "columns", "description", box=None, pad_edge=False)
    for layout in known:
        table.add_row(str(layout["name"]), ", ".join(layout["columns"]), str(layout["description"]))
    Console().print(table)
