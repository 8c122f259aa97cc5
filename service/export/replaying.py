"""Compares an export that was made again with the manifest of the first: file, version, row."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.export import manifest

SHOWN = 3  # differing columns that are named


class Change(NamedTuple):
    """`what` is `file`, `version`, or a key of the manifest; `name` says which one."""

    what: str
    name: str
    message: str


def changes(first: Mapping[str, Any], again: Path, folder: Path | None) -> list[Change]:
    """What differs, [] where every file has the same bytes.

    `first` is the manifest of the export that was replayed, `again` the new folder. Where
    `folder` holds the first export's files, the first row that differs is named.
    """
    new = manifest.load(again)
    found = [*of_files(first["files"], new["files"], folder, again)]
    if not found and manifest.dump(first) == manifest.dump(new):
        return []
    return [*of_versions(first["versions"], new["versions"]), *of_keys(first, new), *found]


def of_versions(first: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*first, *new}):
        if first.get(name) != new.get(name):
            said = f"{new.get(name, 'none')} now, {first.get(name, 'none')} then"
            yield Change("version", name, said)


def of_keys(first: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Other parts of the manifest: counts, splits, scores."""
    for name in sorted({*first, *new} - {"files", "versions", "made_from"}):
        if first.get(name) != new.get(name):
            yield Change("manifest", name, "; ".join(paths(first.get(name), new.get(name), name)))


def paths(first: Any, new: Any, place: str) -> list[str]:
    """The first few places in which two JSON values differ, with both values."""
    if isinstance(first, dict) and isinstance(new, dict):
        keys = sorted({*first, *new}, key=str)
        found = [
            each
            for key in keys
            if first.get(key) != new.get(key)
            for each in paths(first.get(key), new.get(key), f"{place}.{key}")
        ]
        return found[:SHOWN]
    return [f"{place}: {str(new)[:80]} now, {str(first)[:80]} then"]


def of_files(
    first: Mapping[str, Any], new: Mapping[str, Any], folder: Path | None, again: Path
) -> Iterator[Change]:
    for name in sorted({*first, *new}):
        if name not in new:
            yield Change("file", name, "is not made any more")
        elif name not in first:
            yield Change("file", name, "was not there")
        elif first[name]["sha256"] != new[name]["sha256"]:
            yield Change("file", name, difference(name, folder, again))


def difference(name: str, folder: Path | None, again: Path) -> str:
    if folder is None or not (folder / name).is_file():
        return "has other bytes"
    if not name.endswith((".parquet", ".jsonl")):
        return "has other bytes than the first file beside the manifest"
    rows = zip_longest(rows_of(folder / name), rows_of(again / name))
    for number, (then, now) in enumerate(rows, start=1):
        if then != now:
            return f"row {number}: {told(then, now)}"
    return "has the same rows in other bytes"


def rows_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """Raises OSError for what can't be read."""
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
