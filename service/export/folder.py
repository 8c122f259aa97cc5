"""Writes an export's folder: data, card, manifest, report and rejects."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from service.export import card, described_files, manifest
from service.export.described_files import Description
from service.export.manifest import Provenance
from service.export.shards import COLUMNS, FileFacts, Row, SplitWriter, facts, schema
from service.report import page
from service.report.report import LabelsLine, Report, SplitCount

CARD, PAGE, REJECTS = "README.md", "report.html", "rejects.jsonl"
SPLITS = "splits.parquet"  # what shows that nothing was parted


def write(
    folder: Path,
    rows: Iterable[Row],
    held_out: frozenset[str],
    report: Report,
    provenance: Provenance,
    rejects: Iterable[Mapping[str, Any]],
    scores: list[str],
    groups: Any = None,
) -> tuple[Report, dict[str, FileFacts]]:
    """Fill an empty folder; the report with its splits, and each file's facts by path.

    `rows` come in the order of selection, each with the columns of `shards.schema(scores)`.
    `held_out` are the prompts of the test split; `groups` (`Splits.table`) shows that nothing
    is parted. Memory is two row groups, whatever the rows.
    """
    (folder / "data").mkdir(parents=True)
    splits, files = write_data(folder / "data", rows, held_out, scores)
    labels = None if provenance.labels is None else provenance.labels()
    line = None if labels is None else LabelsLine.model_validate(labels)
    report = report.model_copy(update={"splits": splits, "labels": line})
    (folder / PAGE).write_text(page.render(report), "utf-8", newline="\n")
    readme = card.render(report, provenance.license, scores, provenance.uploads, provenance.split)
    (folder / CARD).write_text(readme, "utf-8", newline="\n")
    with (folder / REJECTS).open("wb") as file:
        file.writelines(orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE) for found in rejects)
    files |= {name: facts(folder / name) for name in (CARD, PAGE, REJECTS)}
    if groups is not None:
        pq.write_table(groups, folder / SPLITS)
        files[SPLITS] = facts(folder / SPLITS)
    columns = [*COLUMNS, *scores]
    said = Description("prefsift", "Preference pairs.", provenance.license, manifest.MEANINGS)
    files |= described_files.write(folder, files, schema(scores), said)
    described = manifest.build(report, provenance, columns, files)
    (folder / manifest.NAME).write_bytes(manifest.dump(described))
    return report, files | {manifest.NAME: facts(folder / manifest.NAME)}


def write_data(
    folder: Path, rows: Iterable[Row], held_out: frozenset[str], scores: list[str]
) -> tuple[tuple[SplitCount, ...], dict[str, FileFacts]]:
    train, test = (SplitWriter(folder, name, schema(scores)) for name in ("train", "test"))
    for row in rows:
        (test if row["prompt_id"] in held_out else train).add(row)
    files = train.close()
    written = [train]
    if held_out:
        files |= test.close()
        written.append(test)
    counts = (
        SplitCount(name=split.split, rows=split.rows, prompts=len(split.prompts), bytes=split.size)
        for split in written
    )
    return tuple(counts), files
