"""`prefsift replay manifest.json`: the same export once more, from the same files."""

import tempfile
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.client import ApiError
from service.cli.connection import connected
from service.cli.pipeline import Pipeline, shown_name
from service.cli.progress import Bars
from service.cli.sending import send
from service.composing.lineage import from_wish
from service.diff.comparing import compare
from service.diff.sides import of_folder
from service.errors import UnsupportedFile
from service.export import manifest
from service.export.replaying import Change, with_rows

ManifestPath = Annotated[Path, typer.Argument(help="manifest.json, or the folder it lies in.")]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", help="An uploaded file; repeatable. Else a dataset that has them all."),
]
DatasetOption = Annotated[
    str | None, typer.Option(help="Name or id; else any that has the manifest's files.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, the rest on stderr.")]


def replay(
    path: ManifestPath,
    data: Data = None,
    dataset: DatasetOption = None,
    as_json: Json = False,
) -> None:
    """Make an export again and compare every byte. Exit code 1 and what changed, if any differs.

    Example: prefsift replay curated/manifest.json --data pairs.jsonl
    """
    if not path.exists():
        raise typer.BadParameter(f"there is no file or folder {path}", param_hint="PATH")
    folder = path if path.is_dir() else path.parent
    described = manifest.load(folder)
    if not described.get("replay"):
        raise ApiError("the manifest does not say what was asked for: it is of an older version")
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    with (
        tempfile.TemporaryDirectory() as again,
        connected(keep_up=False) as api,
        Bars(Console(stderr=True)) as bars,
    ):
        line = Pipeline(api, bars, lambda said: errors.print(said, markup=False))
        with dataset_of(line, described, data, dataset) as named:
            asked = {"manifest": described, "dataset": named}
            plan = api.post("/exports/replay", asked)
            found = [Change(**each) for each in plan["changes"]]
            if plan["dataset_id"] is not None:
                found = made_again(line, plan, described, folder, Path(again))
    tell(found, len(described["files"]), as_json)
    if found:
        raise typer.Exit(1)


def made_again(
    line: Pipeline,
    plan: Mapping[str, Any],
    described: Mapping[str, Any],
    folder: Path,
    again: Path,
) -> list[Change]:
    """What differs, or why nothing can be made of what is there now."""
    found = [Change(**each) for each in plan["changes"]]
    try:
        made = make(line, plan, described, again)
    except ApiError as error:
        return [*found, Change("file", manifest.NAME, f"can't be made again: {error}")]
    before = [each for each in found if made and each not in made]
    return [*before, *with_rows(made, folder, again), *(by_pair(folder, again) if made else ())]


def tell(found: Sequence[Change], files: int, as_json: bool) -> None:
    if as_json:
        body = {"same": not found, "changes": [each._asdict() for each in found]}
        typer.echo(orjson.dumps(body).decode())
        return
    console = Console(soft_wrap=True, highlight=False)
    for each in found:
        console.print(f"{each.what} {each.name}: {each.message}", markup=False)
    verdict = "differs" if found else f"the same bytes in all {files} files and the manifest"
    console.print(verdict)


@contextmanager
def dataset_of(
    line: Pipeline,
    described: Mapping[str, Any],
    data: Sequence[Path] | None,
    named: str | None,
) -> Generator[str | None]:
    """The one that was named, if any; of files, one for the time being."""
    if not data:
        yield named
        return
    files = matched(described, data)
    body = {"name": f"replay-{uuid.uuid4().hex[:16]}", "license": described["license"]}
    dataset = line.api.post("/datasets", body)["id"]
    try:
        for said, path in files:
            upload(line, dataset, said, path)
        for policy in described["replay"]["pair_builds"]:
            line.finish(
                line.api.post(f"/datasets/{dataset}/pair-builds", {"policy": policy})["job"]
            )
        yield dataset
    finally:
        line.api.request("DELETE", f"/datasets/{dataset}")


def matched(
    described: Mapping[str, Any], data: Sequence[Path]
) -> list[tuple[Mapping[str, Any], Path]]:
    """The file of each upload by its sha256. Raises ApiError that names what is missing."""
    by_hash: dict[str, Path] = {}
    for path in data:
        if not path.is_file():
            raise ApiError(f"there is no file {path}", exit_code=2)
        with path.open("rb") as file:
            by_hash[file_digest(file, "sha256").hexdigest()] = path
    missing = [each["sha256"] for each in described["uploads"] if each["sha256"] not in by_hash]
    if missing:
        given = ", ".join(f"{path.name} is {sha256[:16]}…" for sha256, path in by_hash.items())
        raise ApiError(f"no given file has the sha256 {', '.join(missing)}: {given}")
    return [(each, by_hash[each["sha256"]]) for each in described["uploads"]]


def upload(line: Pipeline, dataset: str, said: Mapping[str, Any], path: Path) -> None:
    """One after another: the order of uploads is that of the pairs."""
    options = {"filename": shown_name(path)}
    options |= {name: said[name] for name in ("layout", "mode", "on_nul", "decide") if said[name]}
    if said["mapping"]:
        options["mapping"] = orjson.dumps(said["mapping"]).decode()
    bar = line.bars.add("upload", "bytes", path.stat().st_size)
    sent = send(line.api, dataset, path, options, lambda done: line.bars.move(bar, done))
    line.finish(sent["job"])


def make(
    line: Pipeline, plan: Mapping[str, Any], described: Mapping[str, Any], folder: Path
) -> list[Change]:
    """Ask for what the plan says, in its order, and download; what differs."""
    where = f"/datasets/{plan['dataset_id']}"
    if plan["subset"] is not None:
        where = f"/subsets/{composed(line, where, plan['subset'])}"
    if plan["evaluate"] is not None:
        line.finish(line.api.post(f"{where}/evaluate", plan["evaluate"]))
    exported = line.api.post(f"{where}/exports", plan["export"])
    line.finish(exported["job"])
    export = exported["export"]["id"]
    line.download(export, folder)
    compared = line.api.post(f"/exports/{export}/compare", {"manifest": described})
    return [Change(**each) for each in compared["changes"]]


def composed(line: Pipeline, dataset: str, body: Mapping[str, Any]) -> str:
    """The id of a subset, once it is there; what it is put together of is made first, and once."""

    def made(wish: Mapping[str, Any], parents: list[str]) -> str:
        if "operation" in wish:
            asked = {wish["operation"]: parents, "tags": wish.get("tags", [])}
            begun = line.api.post("/subsets/combine", asked)
        else:
            begun = line.api.post(f"{dataset}/subsets", wish)
        line.finish(begun["job"])
        return begun["subset"]["id"]

    return from_wish(body, made)


def by_pair(folder: Path, again: Path) -> Iterator[Change]:
    """What became of the pairs, where both folders hold them."""
    try:
        found = compare(of_folder(folder), of_folder(again))
    except (UnsupportedFile, OSError):
        return  # records without pairs, or a folder that holds nothing but the manifest
    counts = {"pairs": ("added", "removed", "moved"), "labels": ("flipped",)}
    for what, kinds in counts.items():
        for kind in kinds:
            if count := getattr(found, kind):
                yield Change(what, kind, f"{count:,} pairs")
    for each in found.scores:
        yield Change("scores", each.name, f"{each.pairs:,} pairs have another value")
