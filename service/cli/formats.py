"""`prefsift formats`: the layouts that are known, or that of a file. Needs no server."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from service.cli.mapping import mapping_of
from service.cli.previewing import print_preview
from service.config import settings
from service.formats import FORMATS
from service.ingest.preview import preview
from service.reading.rows import read_rows

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def formats(
    file: Annotated[
        Path | None, typer.Argument(help="Any file that an upload takes.", dir_okay=False)
    ] = None,
    layout: Annotated[str | None, typer.Option(help="Try this one.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--map", help="our-column=their-column; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the layouts that are read and written; of FILE, how it would be read: exit code 1 where
    nothing of it can be.

    Example: prefsift formats answers.csv --map prompt=question
    """
    if file is not None:
        found = look(file, layout, column)
        show(file, found, as_json)
        if not found["accepted"]:
            raise typer.Exit(1)
        return
    known = [
        {"name": name, "columns": list(found.columns), "description": found.description}
        for name, found in FORMATS.items()
    ]
    if as_json:
        typer.echo(orjson.dumps(known).decode())
        return
    table = Table("name", "columns", "description", box=None, pad_edge=False)
    for each in known:
        table.add_row(str(each["name"]), ", ".join(each["columns"]), str(each["description"]))
    Console().print(table)


def look(file: Path, layout: str | None, column: list[str] | None) -> Any:
    """A preview of a file of this machine."""
    if layout is not None and layout not in FORMATS:
        raise typer.BadParameter(f"no layout {layout!r}; known: {', '.join(FORMATS)}")
    if not file.is_file():
        raise typer.BadParameter(f"can't read {file}", param_hint="FILE")
    mapping = mapping_of(column)
    with file.open("rb") as opened:
        rows = read_rows(opened, file.stat().st_size, settings.max_line_bytes)
        return preview(rows, layout, mapping)


def show(file: Path, found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(found).decode())
    else:
        print_preview(Console(highlight=False), file.name, found)
