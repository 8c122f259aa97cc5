"""`prefsift upload`: files into a dataset, or a look at how they would be read."""

import shlex
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.client import Api, ApiError
from service.cli.connection import connect
from service.cli.formats import look
from service.cli.mapping import Columns, in_words, mapping_of
from service.cli.pipeline import shown_name
from service.cli.previewing import print_preview
from service.cli.progress import Bars
from service.cli.remote import dataset_named, note, show
from service.cli.screen import Json, advise, many, say, tell
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
    as_json: Json = False,
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
    show(found) if as_json else tell_uploads(found, dataset)


def rejects(
    source: Annotated[
        str, typer.Argument(help="Id of an upload, or name or id of a dataset: all its uploads.")
    ],
) -> None:
    """Print the lines that were not taken as JSONL, with reasons; on stderr, of which file.

    Example: prefsift rejects mine > rejects.jsonl
    """
    api = connect()
    found = uploads_of(api, source)
    for each in found:
        if each["rejected"]:
            note(f"{each['filename']} (upload {each['id']}): {many(each['rejected'], 'line')}")
            typer.echo(api.request("GET", f"/uploads/{each['id']}/rejects").content, nl=False)
    if not any(each["rejected"] for each in found):
        note(f"every line of {many(len(found), 'upload')} was taken")


def uploads_of(api: Api, source: str) -> list[dict[str, Any]]:
    """The upload of that id, or else all uploads of the dataset that is called so, in order."""
    with suppress(ValueError, ApiError):
        return [api.get(f"/uploads/{uuid.UUID(source)}")]
    return [*api.pages(f"/datasets/{dataset_named(api, source)}/uploads")]


def tell_uploads(found: Sequence[Mapping[str, Any]], dataset: str) -> None:
    """What became of each file, and what may come next."""
    for each in found:
        lines = f"{each['accepted']:,} of {many(each['rows_in'], 'line')} taken"
        say(f"{each['filename']}: {lines}, {many(each['pairs'], 'pair')}", "bold")
        renamed = in_words(each["mapping"]) if each["mapping"] else ""
        tell({"layout": each["layout"] or "none", "columns": renamed, "upload": each["id"]})
    if any(each["pairs"] for each in found):
        advise(f"prefsift recipes --dataset {shlex.quote(dataset)}",
               f"prefsift select {shlex.quote(dataset)} --recipe safe_default")  # fmt: skip


def warn(upload: dict[str, Any], dataset: str) -> None:
    """Say what the counts of an upload mean for what comes next."""
    name, rejected = upload["filename"], upload["rejected"]
    if rejected:
        rows = f"{rejected:,} of {upload['rows_in']:,} lines were not taken"
        command = f"prefsift rejects {shlex.quote(dataset)}"
        note(f"{name}: {rows}; `{command}` prints them with the reasons")
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
