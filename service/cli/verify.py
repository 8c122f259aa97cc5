"""`prefsift verify`: is an exported folder what its manifest says? Needs no server."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from service.errors import UnsupportedFile
from service.export.verify import verify as differences

Folder = Annotated[Path, typer.Argument(help="A folder that `prefsift curate` or `export` wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def verify(folder: Folder, as_json: Json = False) -> None:
    """Check hashes, rows, splits and the card of an exported folder. Exit code 1 if any differs.

    Example: prefsift verify curated/
    """
    try:
        found = differences(folder)
    except UnsupportedFile as error:
        Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    if as_json:
        body = {"ok": not found, "differences": [each._asdict() for each in found]}
        typer.echo(orjson.dumps(body).decode())
    else:
        for each in found:
            Console().print(f"{each.file}: {each.message}", markup=False, soft_wrap=True)
        verdict = "differs" if found else "all as the manifest says"
        Console().print(f"{folder}: {verdict}", markup=False, soft_wrap=True)
    if found:
        raise typer.Exit(1)
