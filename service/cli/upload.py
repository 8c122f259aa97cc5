"""`prefsift upload`: files into a dataset, or a look at how they would be read."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.client import Api, ApiError
from service.cli.connection import connect
from service.cli.formats import look
from service.cli.mapping import Columns, mapping_of
from service.cli.pipeline import shown_name
from service.cli.previewing import print_preview
from service.cli.progress import Bars
from service.cli.remote import dataset_named, note, show
from service.cli.sending import Options, send

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]
DatasetName = Annotated[str, typer.Option(help="Its name; made if there is none.")]
Layout = Annotated[str | None, typer.Option(help="See `prefsift formats`; else recognised.")]


def upload(
    files: Files,
    dataset: DatasetName,
    layout: Layout = None,
    column: Columns = None,
    strict: Annotated[bool, typer.Option("--strict", help="One bad line refuses it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show how the files would be read, and store nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A dry run, too, as JSON.")] = False,
) -> None:
    """Add files to a dataset. The same command again goes on where a lost connection stopped it.

    Example: prefsift upload pairs.jsonl --dataset mine --map prompt=question
    """
    if dry_run:
        looked = [look(path, layout, column) for path in files]
        if as_json:
            show(looked)
            return
        for path, found in zip(files, looked, strict=True):
            print_preview(Console(highlight=False), path.name, found)
        return
    options = {"mode": "atomic" if strict else "partial", **read_as(layout, column)}
    api = connect()
    with Bars(Console(stderr=True)) as bars:
        found = [add(api, bars, named(api, dataset), path, options) for path in files]
    for upload in found:
        warn(upload, dataset)
    show(found)


def rejects(
    upload_id: Annotated[str, typer.Argument(help="Id of an upload, from `prefsift upload`.")],
) -> None:
    """Print the lines of an upload that were not taken, each with its reason, as JSONL.

    Example: prefsift rejects UPLOAD > rejects.jsonl
    """
    typer.echo(connect().request("GET", f"/uploads/{upload_id}/rejects").content, nl=False)


def warn(upload: dict[str, Any], dataset: str) -> None:
    """Say what the counts of an upload mean for what comes next."""
    name, rejected = upload["filename"], upload["rejected"]
    if rejected:
        rows = f"{rejected:,} of {upload['rows_in']:,} lines were not taken"
        note(f"{name}: {rows}; `prefsift rejects {upload['id']}` prints them with the reasons")
    if upload["accepted"] and not upload["pairs"]:
        build = f"prefsift pairs build {shlex.quote(dataset)} --preview"
        note(f"{name}: its labels decide no pair by themselves; a policy may: `{build}`")


def read_as(layout: str | None, column: list[str] | None) -> Options:
    """The options that say how a file is read, as the API takes them."""
    mapping = mapping_of(column)
    asked = {} if layout is None else {"layout": layout}
    return asked | ({"mapping": orjson.dumps(mapping).decode()} if mapping else {})


def named(api: Api, dataset: str) -> str:
    """The id of the dataset, which is made where there is none."""
    try:
        return api.post("/datasets", {"name": dataset})["id"]
    except ApiError as error:
        if error.code != "name_taken":
            raise
    return dataset_named(api, dataset)


def add(api: Api, bars: Bars, dataset: str, path: Path, options: Options) -> Any:
    """The upload once it is ingested."""
    task = bars.add(path.name[:30], "bytes", path.stat().st_size)
    named = {"filename": shown_name(path), **options}
    made = send(api, dataset, path, named, lambda done: bars.move(task, done))
    bars.move(task, path.stat().st_size)
    api.follow(made["job"], bars.job())
    return api.get(f"/uploads/{made['upload']['id']}")
