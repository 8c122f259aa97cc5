"""`prefsift push`: an export to a hub, from here; the token never reaches the server."""

import os
import tempfile
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from service.cli.connection import connect
from service.cli.pipeline import fetch
from service.cli.progress import Bars
from service.cli.remote import show
from service.config import settings
from service.errors import ServiceError
from service.export.push import Pushed, Target
from service.export.push import push as upload

Source = Annotated[str, typer.Argument(help="An exported folder, or the id of an export.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def push(
    source: Source,
    repo: Annotated[str, typer.Option(help="user/name of a dataset; made where it is missing.")],
    private: Annotated[bool, typer.Option("--private", help="Refuses a public one.")] = False,
    token_env: Annotated[
        str, typer.Option(help="Environment variable that holds the token.")
    ] = "HF_TOKEN",
    revision: Annotated[str | None, typer.Option(help="Branch; made where it is missing.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Another hub; default: HF_ENDPOINT.")] = None,
    as_json: Json = False,
) -> None:
    """Upload an export to a Hugging Face hub in one commit.

    The folder is verified first, and exactly the files of its manifest leave. After an
    interruption the same command goes on: big files that arrived are not sent again.

    Example: prefsift push curated/ --repo me/pairs --private
    """
    token = os.environ.get(token_env, "")
    if not token:
        raise typer.BadParameter(f"{token_env} is not set", param_hint="--token-env")
    target = Target(repo, token, endpoint or settings.hf_endpoint, revision, private)
    try:
        done = pushed(source, target)
    except ServiceError as error:
        if as_json:
            show({"error": error.problem()})
            raise typer.Exit(1) from None
        raise
    if as_json:
        show(done._asdict())
        return
    typer.echo(f"{done.files} files, {done.bytes / 1e6:,.1f} MB: {done.url}")
    for name in done.deleted:
        typer.echo(f"deleted {name}, of an earlier export")


def pushed(source: str, target: Target) -> Pushed:
    if Path(source).is_dir():
        return with_bar(Path(source), target)
    try:
        uuid.UUID(source)
    except ValueError:
        said = f"{source} is neither a folder nor the id of an export"
        raise typer.BadParameter(said, param_hint="SOURCE") from None
    api = connect()
    found = api.get(f"/exports/{source}")
    with tempfile.TemporaryDirectory(prefix="prefsift-push-") as place:
        for _ in fetch(api, found, Path(place)):
            pass
        return with_bar(Path(place), target)


def with_bar(folder: Path, target: Target) -> Pushed:
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    done = 0
    with Bars(Console(stderr=True)) as bars:
        task = bars.add("upload", "bytes", total)

        def moved(size: int) -> None:
            nonlocal done
            done += size
            bars.move(task, done)

        return upload(folder, target, moved)
