"""Checks an export of records: every number of its card and manifest is counted once more."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.export import accounts, manifest
from service.export.accounts import HELD, Totals
from service.export.layout import LABELS
from service.export.record_folder import RECORD_LAYOUTS
from service.export.replaying import rows_of
from service.export.split_checks import Difference
from service.formats import FORMATS, Format
from service.formats.record import RowError
from service.ingest.gathering import gathered
from service.reading.json_lines import Row

KEY = ("source", "record_id", "prompt_id")
SHOWN = 3  # records that are named


def counted(
    path: Path, described: Mapping[str, Any], rows: Mapping[str, int], found: list[Difference]
) -> dict[str, Any]:
    """The numbers as the files give them; what differs from the manifest goes to `found`."""
    totals = Totals()
    try:
        for each in accounts.read(path):
            totals.add(each)
        found += unaccounted(path)
        found += unsaid(path, described, totals)
    except (pa.ArrowException, OSError, KeyError) as error:
        why = (str(error).splitlines() or [""])[0]
        found.append(Difference(accounts.NAME, f"can't be counted: {why}"))
    numbers = totals.numbers(rows)
    for name, claimed in described["records"].items():
        if claimed != numbers.get(name):
            said = f"says {name} {claimed}; {accounts.NAME} and the data have {numbers.get(name)}"
            found.append(Difference(manifest.NAME, said))
    return numbers


def unaccounted(path: Path) -> Iterator[Difference]:
    """Rows whose record has no account in their split, or one that says it was left out.

    Both are in the order of the records.
    """
    for split in HELD:
        given = (
            tuple(each[name] for name in KEY)
            for each in accounts.read(path)
            if each["split"] == split and each["why"] is None
        )
        known = next(given, None)
        named: set[Any] = set()
        for key in origins(path, split):
            while known is not None and known != key:
                known = next(given, None)
            if known is None and key not in named and len(named) < SHOWN:
                named.add(key)
                at = " at ".join(str(word) for word in key[1::-1] if word)
                yield Difference(
                    accounts.NAME, f"has no record {at} in {split}, and there are rows"
                )


def origins(path: Path, split: str) -> Iterator[tuple[Any, ...]]:
    for name in sorted((path / "provenance").glob(f"{split}-*.parquet")):
        for batch in pq.ParquetFile(name).iter_batches(columns=[*KEY]):
            columns = [batch.column(key).to_pylist() for key in KEY]
            yield from zip(*columns, strict=True)


def unsaid(path: Path, described: Mapping[str, Any], totals: Totals) -> Iterator[Difference]:
    """Where the rows can be read back as records: the labels that they say, kind by kind."""
    name = RECORD_LAYOUTS[described["layout"]].read_by
    if name is None:
        return
    layout = FORMATS[name]
    said: Counter[str] = Counter()
    paths = [name for name in described["files"] if name.startswith("data/")]
    for split in HELD:
        files = [path / name for name in paths if name.startswith(f"data/{split}")]
        given = (
            Row(line, dict(row), b"")
            for line, row in enumerate((row for file in files for row in rows_of(file)), start=1)
        )
        for row in gathered(given, layout):
            said.update(labels_of(layout, row))
    for kind in LABELS:
        due = totals.labels[kind] - totals.left_out[kind]
        if said[kind] != due:
            yield Difference("data", f"says {said[kind]} {kind}, not {due}")


def labels_of(layout: Format, row: Row) -> dict[str, int]:
    """Nothing where the layout does not read its row."""
    if isinstance(row.value, RowError):
        return {}
    try:
        records = layout.read_all(row.value)
    except RowError:
        return {}
    return {kind: sum(len(getattr(each, kind)) for each in records) for kind in LABELS}
