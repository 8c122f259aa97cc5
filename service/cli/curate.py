"""`prefsift curate`: the main job, from files to an exported folder, over the REST API."""

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from curation.recipes import Budget, load
from service.cli import folder, stack
from service.cli.client import ApiError, Client, Json
from service.cli.progress import Bars
from service.config import settings
from service.export import manifest
from service.formats import FORMATS
from service.report import terminal

REFUSED = 3  # exit code: --strict refused a file

Files = Annotated[list[Path], typer.Argument(help="JSONL or Parquet; plain, gzip or zstd.")]
Out = Annotated[Path, typer.Option(help="Folder to write: new, empty, or an earlier export.")]
Recipe = Annotated[str, typer.Option(help="Name of a recipe, or a recipe file.")]
Wanted = Annotated[str, typer.Option(help="10% of all pairs, or 500 pairs.")]
Layout = Annotated[str | None, typer.Option(help="Layout of the files; recognised if left out.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse a file with a bad row (exit 3).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout.")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="Leave a stack that this started.")]


def curate(
    files: Files,
    out: Out,
    recipe: Recipe = "fifa",
    budget: Wanted = "10%",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    layout: Layout = None,
    strict: Strict = False,
    as_json: AsJson = False,
    keep_up: KeepUp = False,
) -> None:
    """Select a training set from preference data, and measure whether it beats a random one.

    Example: prefsift curate pairs.jsonl --recipe fifa --budget 10% --out curated
    """
    begun = time.monotonic()
    asked = check_arguments(files, out, recipe, budget, layout)
    with ExitStack() as at_end:
        client = connect(at_end, keep_up)
        bars = at_end.enter_context(Bars())
        options = {"mode": "atomic" if strict else "partial"}
        if layout:
            options["layout"] = layout
        uploads, dataset = send_files(client, files, options, bars, strict)
        report = make_export(client, dataset, asked, budget, seed, out, bars)
    summary = {
        "rows_in": sum(upload["rows_in"] for upload in uploads),
        "rejected": sum(upload["rejected"] for upload in uploads),
        "pairs": sum(upload["pairs"] for upload in uploads),
        "kept": report["counts"]["kept"],
        "seconds": round(time.monotonic() - begun, 1),
        "evaluation": report["evaluation"],
        "out": str(out),
    }
    if as_json:
        typer.echo(orjson.dumps(summary).decode())
    else:
        show(report, summary)


def check_arguments(
    files: Sequence[Path], out: Path, recipe: str, budget: str, layout: str | None
) -> str | Json:
    """What the API gets as the recipe. Wrong usage ends here, before anything is started."""
    for path in files:
        if not path.is_file() or not os.access(path, os.R_OK):
            raise typer.BadParameter(f"can't read {path}", param_hint="FILE")
    if layout is not None and layout not in FORMATS:
        raise typer.BadParameter(f"known: {', '.join(FORMATS)}", param_hint="--layout")
    try:
        Budget.parse(budget)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--budget") from error
    try:
        folder.check(out)
    except folder.FolderTaken as error:
        raise typer.BadParameter(str(error), param_hint="--out") from error
    try:
        return load(recipe).model_dump(mode="json")
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--recipe") from error


def connect(at_end: ExitStack, keep_up: bool) -> Client:
    """A client of PREFSIFT_URL, of the home's running stack, or of one that ends with us."""
    url, key = os.environ.get("PREFSIFT_URL"), os.environ.get("PREFSIFT_API_KEY")
    if url:
        if not key:
            raise typer.BadParameter("PREFSIFT_URL needs PREFSIFT_API_KEY beside it")
        return Client(url, key)
    Console(stderr=True).print("starting the stack …", highlight=False)
    running = stack.ensure_up(settings.home, settings.host, 0)
    if running.started and not keep_up:
        at_end.callback(stack.stop_all, settings.home)
    return Client(running.url, running.key)


def send_files(
    client: Client, files: Sequence[Path], options: Json, bars: Bars, strict: bool
) -> tuple[list[Json], str]:
    """Upload the files to the dataset of exactly these files; its uploads and id."""
    dataset = dataset_of(client, files, options)
    uploads: dict[str, Json] = {}
    for path in files:
        sent = client.upload(dataset, path, options, bars.bytes_bar(path.name, path.stat().st_size))
        try:
            follow(client, sent["job"], bars)
        except ApiError as error:
            if strict and error.problem.get("code") == "rejected_rows":
                error.exit_code = REFUSED
            error.args = (f"{path}: {error}",)
            raise
        uploads[sent["upload"]["id"]] = client.get(f"/uploads/{sent['upload']['id']}")
    return list(uploads.values()), dataset


def dataset_of(client: Client, files: Sequence[Path], options: Json) -> str:
    """Named by the files' contents: running twice finds what was scored the first time."""
    digest = hashlib.sha256(orjson.dumps(options, option=orjson.OPT_SORT_KEYS))
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    name = f"curate-{digest.hexdigest()[:24]}"
    found = client.get("/datasets", name=name)["items"]
    return str((found[0] if found else client.post("/datasets", {"name": name}))["id"])


def make_export(
    client: Client, dataset: str, recipe: str | Json, budget: str, seed: int, out: Path, bars: Bars
) -> Json:
    """Select, evaluate, export, download; the manifest's report."""
    body = {"recipe": recipe, "budget": budget, "seed": seed}
    made = client.post(f"/datasets/{dataset}/subsets", body)
    subset = made["subset"]["id"]
    follow(client, made["job"], bars)
    follow(client, client.post(f"/subsets/{subset}/evaluate"), bars)
    exported = client.post(f"/subsets/{subset}/exports")
    follow(client, exported["job"], bars)
    fresh = folder.staging(out)
    client.unpack(exported["export"]["id"], fresh)
    report: Json = manifest.load(fresh)["report"]
    folder.replace(out, fresh)
    return report


def follow(client: Client, job: Json, bars: Bars) -> None:
    """Wait for a job; an interrupt cancels it."""
    try:
        client.wait(job, bars.job_bar(job["kind"]))
    except KeyboardInterrupt:
        client.cancel(job)
        raise


def show(report: Json, summary: dict[str, Any]) -> None:
    """The report for people, and where the files are."""
    out = Console(highlight=False)
    out.print(terminal.render(report))
    where = summary["out"]
    out.print(
        f"\n{summary['kept']:,} pairs in {where} after {summary['seconds']} s"
        f" ({summary['rows_in']:,} rows read, {summary['rejected']:,} rejected)."
    )
    out.print(f"Look at {where}/report.html; load it with datasets.load_dataset({where!r}).")
