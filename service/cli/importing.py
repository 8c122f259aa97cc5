"""`prefsift import`: files of a Hugging Face dataset, or of a URL, into a dataset."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.connection import connect
from service.cli.progress import Bars
from service.cli.remote import show
from service.cli.screen import Json
from service.cli.upload import (
    Columns,
    DatasetName,
    Layout,
    named,
    read_as,
    tell_uploads,
    warn,
)


def fetch(
    source: Annotated[str, typer.Argument(help="org/name on the hub, or an http(s) URL.")],
    dataset: DatasetName,
    config: Annotated[str | None, typer.Option(help="A configuration, or a folder.")] = None,
    split: Annotated[str | None, typer.Option(help="All if left out.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit.")] = None,
    layout: Layout = None,
    column: Columns = None,
    strict: Annotated[bool, typer.Option("--strict", help="One bad line refuses a file.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch files from elsewhere. They are read as data; nothing of a repository is run.

    Example: prefsift import Anthropic/hh-rlhf --split test --dataset hh
    """
    read = read_as(layout, column)
    options: dict[str, Any] = {**read, "mode": "atomic" if strict else "partial"}
    if "mapping" in read:
        options["mapping"] = orjson.loads(read["mapping"])
    if "://" in source:
        body = {"url": source, **options}
    else:
        asked = {"repo_id": source, "config": config, "split": split, "revision": revision}
        body = {**asked, **options}
    api = connect()
    with Bars(Console(stderr=True)) as bars:
        job = api.post(f"/datasets/{named(api, dataset)}/imports", body)
        made = api.follow(job, bars.job("files"))["result"]
        for each in made["jobs"]:
            api.follow(api.get(f"/jobs/{each}"), bars.job())
    found = [api.get(f"/uploads/{each}") for each in made["uploads"]]
    for each in found:
        warn(each, dataset)
    show(found) if as_json else tell_uploads(found, dataset)
