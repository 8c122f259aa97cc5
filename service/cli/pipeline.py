"""The main job as a client of the REST API: upload, select, evaluate, export, download."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import orjson

from service.cli.client import Api, ApiError, Job
from service.cli.progress import Bars
from service.cli.sending import send
from service.report import pair_report

SHOWN_REJECTS = 3
NAME_DIGITS = 24


class Request(NamedTuple):
    """What to curate and how. `recipe`: an id, or a whole recipe."""

    files: Sequence[Path]
    recipe: str | dict[str, Any]
    budget: str | None
    seed: int
    upload: dict[str, str]  # mode, and layout where it was given
    license: str | None
    pairs: str | dict[str, Any] | None = None  # a pair policy; the lines' comparisons decide
    recipe_builds: bool = False  # the recipe has a policy: the selection begins with it


class Pipeline:
    """One run. `warn` takes what a user should know."""

    def __init__(self, api: Api, bars: Bars, warn: Callable[[str], None]) -> None:
        self.api, self.bars, self.warn = api, bars, warn

    def run(self, request: Request, folder: Path) -> None:
        """Fill the folder with the export. Raises ApiError."""
        dataset = self.dataset(request)
        decided = self.ingest(dataset, request)
        if request.pairs is not None or not (decided or request.recipe_builds):
            self.build_pairs(dataset, request.pairs)
        body: dict[str, Any] = {
            "recipe": request.recipe, "budget": request.budget, "seed": request.seed,
        }  # fmt: skip
        if request.pairs is not None and request.recipe_builds:
            body["policy"] = request.pairs  # in place of the recipe's
        chosen = self.api.post(f"/datasets/{dataset}/subsets", body)
        self.finish(chosen["job"])
        subset = f"/subsets/{chosen['subset']['id']}"
        if request.recipe_builds and not self.api.get(subset)["pool"]:
            raise ApiError("the recipe's policy builds no pair of these labels", code="no_pairs")
        asked = {"curve": True}
        self.finish(self.api.post(f"{subset}/evaluate", asked))
        made = self.api.post(f"{subset}/exports", {})
        self.finish(made["job"])
        self.download(made["export"]["id"], folder)

    def dataset(self, request: Request) -> str:
        """The dataset's id. Named by content: the same files again find their scores."""
        name = dataset_name(request)
        try:
            return self.api.post("/datasets", {"name": name, "license": request.license})["id"]
        except ApiError as error:
            if error.code != "name_taken":
                raise
        return next(iter(self.api.pages("/datasets", name=name)))["id"]

    def ingest(self, dataset: str, request: Request) -> int:
        """Upload all files, then wait for each; the pairs that came of them.

        With a pair policy the files bring labels only. Raises ApiError where no line was taken.
        """
        size = sum(path.stat().st_size for path in request.files)
        bar, before = self.bars.add("upload", "bytes", size), 0
        uploads: list[dict[str, Any]] = []
        for path in request.files:
            built = request.pairs is not None or request.recipe_builds
            decide = "none" if built else "majority"
            options = {"filename": shown_name(path), "decide": decide, **request.upload}
            sent = self.sender(bar, before)
            uploads.append(send(self.api, dataset, path, options, sent))
            before += path.stat().st_size
        self.bars.move(bar, size)
        for each in uploads:
            self.finish(each["job"])
        found = [self.api.get(f"/uploads/{each['upload']['id']}") for each in uploads]
        distinct = {each["id"]: each for each in found}
        return self.tell_rejects(list(distinct.values()))

    def build_pairs(self, dataset: str, policy: str | dict[str, Any] | None) -> None:
        """Pairs of the labels, by the server's choice where none was named. Raises ApiError."""
        made = self.api.post(f"/datasets/{dataset}/pair-builds", {"policy": policy})
        if made["why"]:
            self.warn(f"no line decides a pair by itself: {made['why']}")
        self.finish(made["job"], "prompts")
        path = f"/datasets/{dataset}/pair-builds/{made['build']['id']}"
        report = self.api.get(path)["report"]
        told = pair_report.sentence(report)
        if not report["pairs"]:
            raise ApiError(f"no pair could be built: {told}", code="no_pairs")
        self.warn(told)

    def sender(self, bar: Any, before: int) -> Callable[[int], None]:
        return lambda done: self.bars.move(bar, before + done)

    def tell_rejects(self, uploads: Sequence[dict[str, Any]]) -> int:
        """Warn of rejected lines; the pairs of the others. An error where there are none."""
        rows, rejected, pairs = (
            sum(upload[name] or 0 for upload in uploads)
            for name in ("rows_in", "rejected", "pairs")
        )
        if rejected:
            self.warn(f"{rejected:,} of {rows:,} lines were rejected, such as")
            for upload in uploads:
                for line in self.first_rejects(upload):
                    self.warn(f"  {upload['filename']} line {line['line']}: {line['message']}")
        if rows == rejected:
            lines = "it has no lines" if not rows else f"{rows:,} lines, {rejected:,} rejected"
            raise ApiError(f"there is no decided pair to select from: {lines}", code="no_pairs")
        return pairs

    def first_rejects(self, upload: dict[str, Any]) -> list[dict[str, Any]]:
        if not upload["rejected"]:
            return []
        lines = self.api.request("GET", f"/uploads/{upload['id']}/rejects").content.split(b"\n")
        return [orjson.loads(line) for line in lines[:SHOWN_REJECTS] if line]

    def finish(self, job: Job, unit: str = "rows") -> Job:
        """Follow a job to its end; an interruption here cancels it."""
        try:
            return self.api.follow(job, self.bars.job(unit))
        except (KeyboardInterrupt, SystemExit):
            self.api.cancel(job)
            raise

    def download(self, export: str, folder: Path) -> None:
        found = self.api.get(f"/exports/{export}")
        size = sum(facts["bytes"] for facts in found["files"].values())
        bar = self.bars.add("download", "bytes", size)
        for done in fetch(self.api, found, folder):
            self.bars.move(bar, done)


def fetch(api: Api, export: dict[str, Any], folder: Path) -> Iterator[int]:
    """Download every file of a ready export, each checked against its sha256; bytes so far."""
    done = 0
    for name, facts in export["files"].items():
        target = folder / inside(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        found = api.download(f"/exports/{export['id']}/files/{name}", target)
        if found != facts["sha256"]:
            raise ApiError(f"{name} arrived damaged: sha256 {found}, not {facts['sha256']}")
        done += facts["bytes"]
        yield done


def dataset_name(request: Request) -> str:
    """Of the bytes and of how they are read, whatever the files are called."""
    digests: dict[str, None] = {}
    for path in request.files:
        with path.open("rb") as file:
            digests[hashlib.file_digest(file, "sha256").hexdigest()] = None
    said = [list(digests), sorted(request.upload.items()), request.license]
    said += [] if request.pairs is None else [request.pairs]
    said += ["labels only"] if request.recipe_builds else []
    return f"curate-{hashlib.sha256(orjson.dumps(said)).hexdigest()[:NAME_DIGITS]}"


def shown_name(path: Path) -> str:
    """The file's name as the API takes it: no control characters, at most 200."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in path.name)
    return printable[:200]


def inside(name: str) -> PurePosixPath:
    """A path that stays in its folder, whatever the server says."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ApiError(f"the API names a file outside of the export: {name!r}")
    return path
