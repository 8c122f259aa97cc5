"""Compares an export that was made again with the manifest of the first: cause, file, row."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.export import manifest

SHOWN = 3  # differing places that are named
# What a part of the manifest tells of; the longest name that fits counts.
CAUSES = {
    "uploads": "inputs",
    "recipe": "recipe",
    "recipe_sha256": "recipe",
    "seed": "seed",
    "signals": "scores",
    "pair_builds": "pairs",
    "labels": "labels",
    "replay": "options",
    "replay.pair_builds": "pairs",
    "replay.evaluate": "evaluation",
    "report": "pairs",
    "report.budget": "options",
    "report.evaluation": "evaluation",
    "report.margins": "scores",
    "report.recipe": "recipe",
    "report.scorers": "scores",
    "report.seed": "seed",
    **dict.fromkeys(
        (
            "budget",
            "columns",
            "layout",
            "license",
            "options",
            "split",
            "test_fraction",
            "tokenizer",
        ),
        "options",
    ),
    "records": "labels",
}
OF_OTHERS = {"files", "versions", "made_from"}


class Change(NamedTuple):
    """`what`: a cause (`version`, `recipe`, `seed`, `options`, `inputs`, `pairs`, `labels`,
    `scores`, `evaluation`, else `manifest`), or `file` for an effect; `name` says which one."""

    what: str
    name: str
    message: str


def changes(first: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs between two manifests, causes first; [] where they are the same bytes."""
    if manifest.dump(first) == manifest.dump(new):
        return []
    found = [*of_versions(first["versions"], new["versions"]), *of_keys(first, new)]
    found += of_files(first["files"], new["files"])
    return found or [Change("manifest", manifest.NAME, "has its keys in another order")]


def of_versions(first: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*first, *new}):
        if first.get(name) != new.get(name):
            said = f"{new.get(name, 'none')} now, {first.get(name, 'none')} then"
            yield Change("version", name, said)


def of_keys(first: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The first few places of each part of the manifest."""
    for name in sorted({*first, *new} - OF_OTHERS):
        if first.get(name) != new.get(name):
            for place, said in places(first.get(name), new.get(name), name):
                yield Change(cause(place), place, said)


def cause(place: str) -> str:
    parts = place.split(".")
    for length in range(len(parts), 0, -1):
        if found := CAUSES.get(".".join(parts[:length])):
            return found
    return "manifest"


def places(first: Any, new: Any, place: str) -> list[tuple[str, str]]:
    """Where two JSON values differ, with both values."""
    if isinstance(first, dict) and isinstance(new, dict):
        keys = sorted({*first, *new}, key=str)
        found = [
            each
            for key in keys
            if first.get(key) != new.get(key)
            for each in places(first.get(key), new.get(key), f"{place}.{key}")
        ]
        return found if place == "report" else found[:SHOWN]
    return [(place, f"{str(new)[:80]} now, {str(first)[:80]} then")]


def of_files(first: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*first, *new}):
        if name not in new:
            yield Change("file", name, "is not made any more")
        elif name not in first:
            yield Change("file", name, "was not there")
        elif first[name]["sha256"] != new[name]["sha256"]:
            yield Change("file", name, "has other bytes")


def with_rows(found: list[Change], folder: Path, again: Path) -> list[Change]:
    """The first row that differs of each changed file that lies in both folders."""
    return [
        each._replace(message=difference(each.name, folder, again))
        if each.what == "file" and all((path / each.name).is_file() for path in (folder, again))
        else each
        for each in found
    ]


def difference(name: str, folder: Path, again: Path) -> str:
    if not name.endswith((".parquet", ".jsonl")):
        return "has other bytes"
    rows = zip_longest(rows_of(folder / name), rows_of(again / name))
    for number, (then, now) in enumerate(rows, start=1):
        if then != now:
            return f"row {number}: {told(then, now)}"
    return "the file beside the manifest has the same rows, in other bytes or changed since"


def rows_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """A row group at a time. Raises OSError for what can't be read."""
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            yield from map(orjson.loads, lines)
        return
    try:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group).to_pylist()
    except pa.ArrowException as error:
        raise OSError(f"{path.name} can't be read: {error}") from None


def told(then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    if then is None or now is None:
        return "was not there" if then is None else "is not there any more"
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return ", ".join(names[:SHOWN]) + " differ" + ("s" if len(names) == 1 else "")
