"""An export of whole records: a layout's rows, where each comes from, and what was left out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from service.errors import Invalid
from service.export import described_files, manifest
from service.export.accounts import HELD, AccountsFile, Totals, account
from service.export.card import size_category
from service.export.folder import SPLITS
from service.export.layout import Place, RecordLayout, TrainingRecord
from service.export.preflight import Preflight, Search, name_of
from service.export.shards import FileFacts, facts
from service.export.trainer_folder import (
    CARD,
    CHECKS,
    DATA,
    PROVENANCE,
    Wanted,
    rows_of,
    write_split,
)
from service.formats.record import RowError
from service.report import words
from service.report.report import LabelsLine
from service.trainers import LAYOUTS
from service.trainers.format_rows import record_layouts

ADVICE = "; leave_out (--leave-out) leaves such records out and counts them"
RECORD_LAYOUTS: dict[str, type[RecordLayout]] = {
    **{name: found for name, found in LAYOUTS.items() if issubclass(found, RecordLayout)},
    **record_layouts(LAYOUTS),
}


def layout_of(wanted: Wanted) -> RecordLayout:
    """Raises Invalid for wrong options."""
    return RECORD_LAYOUTS[wanted.layout].with_options(wanted.layout, wanted.options)


class Source:
    """Records by split; each call reads them anew, in the same order.

    With `leave_out`, those that the layout can't say are passed over.
    """

    def __init__(self, layout: RecordLayout, splits: Mapping[str, str], leave_out: bool) -> None:
        self.layout, self.splits, self.leave_out = layout, splits, leave_out

    def kept(self, records: Iterable[TrainingRecord], split: str) -> Iterator[TrainingRecord]:
        for each in records:
            if self.splits[each.prompt_id] == split and not (
                self.leave_out and self.unsayable(each)
            ):
                yield each

    def unsayable(self, each: TrainingRecord) -> str | None:
        try:
            for _ in self.layout.rows([each]):
                pass
        except RowError as error:
            return error.message
        return None

    def check(
        self, records: Iterable[TrainingRecord], wanted: Wanted, told: AccountsFile
    ) -> tuple[Preflight, Totals]:
        """Each record's account goes to `told`. Raises Invalid where something is an error, with
        the first records that have it."""
        search = Search(self.layout, None, wanted.max_length)
        totals = Totals()
        for each in records:
            split = self.splits[each.prompt_id]
            why = self.unsayable(each) if split in HELD else None
            left: Mapping[str, int] = {}
            if split in HELD and why is None:
                left = self.layout.leaves_out(each.record)
                search.add(split, each)
            elif why is not None and self.leave_out:
                search.found(name_of(each), "record_left_out", why)
            elif why is not None:
                search.add(split, each)  # an error, which refuses the export
            found = account(each, split, why, left)
            totals.add(found)
            told.add(found)
        checked = search.report()
        said = {each.code for each in checked.errors}
        checked.refuse_errors(ADVICE if said == {"not_expressible"} else "")
        return checked, totals


def write(
    records: Callable[[], Iterable[TrainingRecord]],
    splits: Mapping[str, str],
    out: Path,
    wanted: Wanted,
    described: Mapping[str, Any],
    proof: Any,
    labels: Callable[[], Mapping[str, Any]] | None = None,
) -> tuple[int, dict[str, FileFacts]]:
    """Rows, and each file's facts by path. `described` is what a manifest says of the source.

    `labels` says, once the records are read, which labels they have.
    `records` are read once to be checked and once a split. `splits`: train, test or left_out by
    prompt; `proof` (`Splits.table`) shows that they part nothing. Raises Invalid where the check
    finds an error, or where nothing would be written.
    """
    layout = layout_of(wanted)
    given = Source(layout, splits, wanted.leave_out)
    with closing(AccountsFile(out)) as told:
        checked, totals = given.check(records(), wanted, told)
    for folder in (DATA, PROVENANCE):
        (out / folder).mkdir(parents=True)
    files: dict[str, FileFacts] = told.facts()
    for split in ("train", "test"):
        kept = given.kept(records(), split) if totals.records[split] else iter(())
        written = write_split(out, split, layout, layout.rows(kept))
        if rows_of(written, split):
            files |= written
        else:  # no reader takes a file without rows
            for name in written:
                (out / name).unlink()
    if labels is not None:
        described = {**described, "labels": labels()}
    rows = {split: count for split in ("train", "test") if (count := rows_of(files, split))}
    if "train" not in rows:
        raise Invalid(
            f"{layout.name} has nothing to say of these records", code="nothing_to_export"
        )
    data = {name: [path for path in files if path.startswith(f"{DATA}/{name}")] for name in rows}
    place = Place("prefsift", data, wanted.max_length)
    extra = dict(layout.config_files(place))
    extra[CHECKS] = checked.model_dump_json(indent=2).encode() + b"\n"
    about = totals.numbers(rows)
    extra[CARD] = card(layout, described, place, about).encode()
    for name, content in extra.items():
        (out / name).write_bytes(content)
        files[name] = facts(out / name)
    pq.write_table(proof, out / SPLITS)
    files[SPLITS] = facts(out / SPLITS)
    files |= described_files.write_layout(out, files, layout, described["license"])
    whole = {
        **described,
        "layout": layout.name,
        "options": {**layout.model_dump(), **wanted._asdict(), "options": dict(wanted.options)},
        "columns": [{"name": name, "meaning": "as the layout has it"} for name in layout.columns],
        "records": about,
        "files": {name: dict(files[name]) for name in sorted(files)},
    }
    (out / manifest.NAME).write_bytes(manifest.dump(whole))
    return sum(rows.values()), files | {manifest.NAME: facts(out / manifest.NAME)}


def card(
    layout: RecordLayout, described: Mapping[str, Any], place: Place, about: Mapping[str, Any]
) -> str:
    total = sum(split["rows"] for split in about["splits"])
    front = {
        "license": described["license"] or "unknown",
        "size_categories": [size_category(total)],
        "tags": ["preference", "prefsift", layout.name.rpartition(":")[2]],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": list(paths)} for split, paths in place.files.items()
                ],
            }
        ],
    }
    lines = [
        f"| {split['name']} | {split['rows']} | {split['records']} | {split['prompts']} |"
        for split in about["splits"]
    ]
    whose = described.get("labels")
    over = f"Labels: {words.labels(LabelsLine.model_validate(whose))}\n\n" if whose else ""
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False, width=1000)}---\n"
        f"# Records for {layout.name}\n\n{layout.description}.\n\n"
        "| split | rows | records | prompts |\n|---|---|---|---|\n" + "\n".join(lines) + "\n\n"
        f"{over}Labels of these records: {listed(about['labels'])}. "
        f"Left out: {listed(about['left_out'])}.\n\n"
        "`provenance/` says, row by row in the same order, which upload, line and record each row "
        "comes from; `preflight.json` what was checked; `manifest.json` has the hash of every "
        "file.\n"
    )


def listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
