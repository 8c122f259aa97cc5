"""Checks an export's folder against its manifest and its card."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.export import (
    card,
    card_checks,
    croissant_checks,
    folder,
    manifest,
    record_checks,
    split_checks,
)
from service.export.shards import COLUMNS, IMAGES, facts
from service.export.split_checks import Difference


def verify(path: Path) -> list[Difference]:
    """What differs, [] where nothing does. Raises UnsupportedFile where there is no export."""
    described = manifest.load(path)
    found = [*check_files(path, described["files"])]
    found += croissant_checks.check(path, described["files"])
    if described["layout"] != "huggingface":
        found += check_provenance(path, described["files"])
        found += split_checks.check(path, described)
        rows = rows_by_split(path, described["files"], found)
        records: dict[str, Any] = {}
        if "records" in described:
            records = record_checks.counted(path, described, rows, found)
        return [*found, *card_checks.check(path, described, rows, records)]
    tables = [*read_splits(path, described["files"], found)]
    found += check_rows(tables)
    found += check_counts(path, described["report"], tables, left_out(described))
    found += split_checks.check(path, described)
    return [*found, *card_checks.check(path, described, counts_of(tables), {})]


def left_out(described: Mapping[str, Any]) -> int:
    """Selected rows that belong to both splits, and so to none, or whose labels say nothing."""
    apart = described.get("split", {}).get("rows_left_out", 0)
    return apart + described.get("labels", {}).get("left_out", 0)


def check_files(path: Path, files: Mapping[str, Any]) -> Iterator[Difference]:
    """Missing, changed and unlisted files."""
    for name, expected in files.items():
        if not (path / name).is_file():
            yield Difference(name, "is missing")
            continue
        actual = facts(path / name)
        if actual.get("sha256") != expected["sha256"]:
            yield Difference(name, f"sha256 is {actual.get('sha256')}, not {expected['sha256']}")
        if actual.get("bytes") != expected["bytes"]:
            yield Difference(name, f"{actual.get('bytes')} bytes, not {expected['bytes']}")
    listed = {*files, manifest.NAME}
    for extra in sorted((path / "data").glob("**/*")):
        name = extra.relative_to(path).as_posix()
        if extra.is_file() and name not in listed:
            yield Difference(name, "is not in the manifest")


def read_splits(
    path: Path, files: Mapping[str, Any], found: list[Difference]
) -> Iterator[tuple[str, Any]]:
    """(path, rows) of each readable data file; what can't be read is a difference."""
    for name, expected in files.items():
        if not name.startswith("data/") or not (path / name).is_file():
            continue
        try:
            file = pq.ParquetFile(path / name)
            images = [column for column in IMAGES if column in file.schema_arrow.names]
            table = file.read(columns=[*COLUMNS, *images])
        except (pa.ArrowException, OSError) as error:
            found.append(Difference(name, f"can't be read: {str(error).splitlines()[0]}"))
            continue
        if table.num_rows != expected["rows"]:
            found.append(Difference(name, f"{table.num_rows} rows, not {expected['rows']}"))
        yield name, table


def rows_by_split(path: Path, files: Mapping[str, Any], found: list[Difference]) -> dict[str, int]:
    """Rows of the data as they are; what is not as the manifest says goes to `found`."""
    rows: dict[str, int] = {}
    for name, expected in files.items():
        if not name.startswith("data/") or not (path / name).is_file():
            continue
        try:
            count = rows_in(path / name)
        except (pa.ArrowException, OSError, ValueError) as error:
            why = (str(error).splitlines() or [""])[0]
            found.append(Difference(name, f"can't be read: {why}"))
            continue
        if count != expected["rows"]:
            found.append(Difference(name, f"{count} rows, not {expected['rows']}"))
        split = split_of(name)
        rows[split] = rows.get(split, 0) + count
    return {split: rows[split] for split in sorted(rows, reverse=True)}  # train, then test


def rows_in(path: Path) -> int:
    """Of a Parquet file, of JSON lines, or of a CSV with a header."""
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).metadata.num_rows
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.DictReader(file, strict=True))
    with path.open("rb") as file:
        return sum(1 for _ in file)


def check_provenance(path: Path, files: Mapping[str, Any]) -> Iterator[Difference]:
    """A row of provenance for each row of data, and no prompt in two splits."""
    rows: dict[tuple[str, str], int] = {}
    split_of_prompt: dict[str, str] = {}
    for name, expected in files.items():
        folder_name, _, rest = name.partition("/")
        if folder_name not in ("data", "provenance") or not (path / name).is_file():
            continue
        split = rest.split("-")[0].split(".")[0]
        rows[folder_name, split] = rows.get((folder_name, split), 0) + expected["rows"]
        if folder_name == "provenance":
            for prompt in pq.ParquetFile(path / name).read(["prompt_id"])["prompt_id"].to_pylist():
                if split_of_prompt.setdefault(prompt, split) != split:
                    yield Difference(name, f"prompt {prompt} is in two splits")
    for (folder_name, split), count in rows.items():
        if folder_name == "data" and count and rows.get(("provenance", split)) != count:
            yield Difference(f"data ({split})", f"{count} rows, without as many of provenance")


def split_of(name: str) -> str:
    return Path(name).name.split("-")[0].split(".")[0]


def check_rows(tables: list[tuple[str, Any]]) -> Iterator[Difference]:
    """No prompt in two splits, no pair twice, no pair of two equal texts."""
    split_of_prompt: dict[str, str] = {}
    seen: set[str] = set()
    for name, table in tables:
        for row in table.to_pylist():
            split = split_of(name)
            if split_of_prompt.setdefault(row["prompt_id"], split) != split:
                yield Difference(name, f"prompt {row['prompt_id']} is in two splits")
            if row["pair_id"] in seen:
                yield Difference(name, f"pair {row['pair_id']} is there twice")
            if says(row, "chosen") == says(row, "rejected"):
                yield Difference(name, f"pair {row['pair_id']}: chosen equals rejected")
            seen.add(row["pair_id"])


def counts_of(tables: list[tuple[str, Any]]) -> dict[str, int]:
    rows: Counter[str] = Counter()
    for name, table in tables:
        rows[split_of(name)] += table.num_rows
    return dict(rows)


def says(row: Mapping[str, Any], side: str) -> tuple[Any, Any]:
    """Messages, and the image that an answer may be."""
    return row[side], row.get(f"{side}_image")


def check_counts(
    path: Path, report: Mapping[str, Any], tables: list[tuple[str, Any]], left_out: int
) -> Iterator[Difference]:
    """The numbers of the manifest and of the card against the rows that are there."""
    rows = counts_of(tables)
    prompts: dict[str, set[str]] = {}
    for name, table in tables:
        split = split_of(name)
        prompts.setdefault(split, set()).update(table["prompt_id"].to_pylist())
    claimed = {split["name"]: (split["rows"], split["prompts"]) for split in report["splits"]}
    actual = {split: (rows[split], len(prompts[split])) for split in rows}
    if claimed != actual:
        yield Difference(manifest.NAME, f"says (rows, prompts) {claimed}; the data has {actual}")
    kept = report["counts"]["kept"] - left_out
    if kept != sum(rows.values()):
        yield Difference(manifest.NAME, f"says {kept} kept; the data has {sum(rows.values())}")
    readme = path / folder.CARD
    if readme.is_file():
        yield from check_card(readme.read_text("utf-8", errors="replace"), rows)


def check_card(text: str, rows: Mapping[str, int]) -> Iterator[Difference]:
    info = card.parse_front_matter(text).get("dataset_info") or {}
    claimed = {split["name"]: split["num_examples"] for split in info.get("splits", [])}
    if claimed != dict(rows):
        yield Difference(folder.CARD, f"says {claimed} rows; the data has {dict(rows)}")
