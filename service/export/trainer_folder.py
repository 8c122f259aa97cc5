"""An export in a trainer's layout: exact columns, what loads them, where each row comes from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from service.errors import Invalid
from service.export import described_files, manifest
from service.export.folder import SPLITS
from service.export.layout import PairLayout, Place, Row, TrainerLayout, TrainingPair
from service.export.preflight import (
    LeftOutPair,
    Preflight,
    preflight,
    preflight_leaving_out,
)
from service.export.resample import resample
from service.export.shards import COLUMNS, IMAGES, STRINGS, FileFacts, SplitWriter, facts
from service.export.tokenizers import digest, load_tokenizer
from service.formats.record import RowError
from service.report import words
from service.report.report import LabelsLine
from service.trainers import LAYOUTS
from service.writing import write_rows

OUTPUTS = ("score_chosen", "score_rejected", "rejected_weight")  # where a recipe gives them
TEXTS = ("prompt", "chosen", "rejected")
CARD, CHECKS, DATA, PROVENANCE = "README.md", "preflight.json", "data", "provenance"
LEFT_OUT = "left_out.jsonl"
ADVICE = "; leave_out (--leave-out) leaves such pairs out and names them in left_out.jsonl"
PAIR_LAYOUTS = tuple(name for name, found in LAYOUTS.items() if issubclass(found, PairLayout))


class Wanted(NamedTuple):
    """How a folder leaves: `options` are the layout's own; lengths are tokens of `tokenizer`."""

    layout: str
    options: Mapping[str, Any] = {}
    tokenizer: str | None = None
    max_length: int | None = None
    resample: bool = False
    leave_out: bool = False  # what the layout can't say; else it refuses the export


def layout_of(wanted: Wanted) -> PairLayout:
    """Raises Invalid for an unknown layout or wrong options."""
    found = LAYOUTS.get(wanted.layout)
    if found is None or not issubclass(found, PairLayout):
        known = ", ".join(("huggingface", *LAYOUTS))
        raise Invalid(f"no export layout {wanted.layout!r}; known: {known}", code="unknown_layout")
    return found.with_options(wanted.layout, wanted.options)


def write(source: Path, out: Path, wanted: Wanted) -> tuple[int, dict[str, FileFacts]]:
    """Write the pairs of a Hugging Face export at `source` anew; rows, and each file's facts.

    `provenance/` has a row for each row of `data/`, in its order. Raises Invalid, and leaves
    nothing worth keeping, where the preflight finds an error.
    """
    layout = layout_of(wanted)
    described = manifest.load(source)
    splits = [split["name"] for split in described["report"]["splits"]]
    checked, left = check(source, splits, layout, wanted)
    gone = frozenset(each.pair_id for each in left)
    if left and not checked.rows:
        detail = f"all {len(left):,} pairs are left out: {left[0].message}"
        raise Invalid(detail, code="nothing_to_export")
    described = {**described, **accounted(left)}
    for folder in (DATA, PROVENANCE):
        (out / folder).mkdir(parents=True)
    files: dict[str, FileFacts] = {}
    for split in splits:
        pairs = (each for each in read_pairs(source, split) if each.pair_id not in gone)
        if wanted.resample and not (layout.takes_weight and layout.takes_soft_label):
            pairs = resample(pairs, described["seed"])
        files |= write_split(out, split, layout, layout.rows(pairs))
    rows = {split: rows_of(files, split) for split in splits}
    place = Place(
        "prefsift",
        {split: [name for name in files if name.startswith(f"{DATA}/{split}")] for split in splits},
        wanted.max_length,
    )
    extra = dict(layout.config_files(place))
    extra[CHECKS] = checked.model_dump_json(indent=2).encode() + b"\n"
    extra[CARD] = card(layout, described, place, rows).encode()
    if left:
        lines = (orjson.dumps(each._asdict(), option=orjson.OPT_APPEND_NEWLINE) for each in left)
        extra[LEFT_OUT] = b"".join(lines)
    if (source / SPLITS).is_file():
        extra[SPLITS] = (source / SPLITS).read_bytes()
    for name, content in extra.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
        files[name] = facts(out / name)
    files |= described_files.write_layout(out, files, layout, described["license"])
    (out / manifest.NAME).write_bytes(manifest.dump(describe(described, layout, wanted, files)))
    return sum(rows.values()), files | {manifest.NAME: facts(out / manifest.NAME)}


def check(
    source: Path, splits: list[str], layout: PairLayout, wanted: Wanted
) -> tuple[Preflight, list[LeftOutPair]]:
    """Raises Invalid where something is wrong that may not be left out."""
    tokenizer = load_tokenizer(wanted.tokenizer) if wanted.tokenizer else None
    rows = ((split, pair) for split in splits for pair in read_pairs(source, split))
    if wanted.leave_out:
        found, left = preflight_leaving_out(layout, rows, tokenizer, wanted.max_length)
        found.refuse_errors()
        return found, left
    found = preflight(layout, rows, tokenizer, wanted.max_length)
    found.refuse_errors(ADVICE)
    return found, []


def accounted(left: Sequence[LeftOutPair]) -> dict[str, Any]:
    """For the manifest, where there is anything: pairs by the code of what is wrong with them."""
    counts = Counter(each.code for each in left)
    return {"pairs_left_out": dict(sorted(counts.items()))} if counts else {}


def read_pairs(source: Path, split: str) -> Iterator[TrainingPair]:
    """The pairs of a split in their order, a row group at a time."""
    for path in sorted((source / DATA).glob(f"{split}-*.parquet")):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            for row in file.read_row_group(group).to_pylist():
                yield TrainingPair(
                    **{name: row[name] for name in (*TEXTS, "pair_id", "prompt_id")},
                    weight=row["weight"],
                    margin=row.get("margin"),
                    soft_label=row.get("soft_label"),
                    **{name: row.get(name) for name in OUTPUTS},
                    **{name: row.get(name) for name in IMAGES},
                    origin={name: value for name, value in row.items() if name not in TEXTS},
                )


def write_split(
    out: Path, split: str, layout: TrainerLayout, rows: Iterator[Row]
) -> dict[str, FileFacts]:
    """The data and the provenance of a split, side by side."""
    origins: SplitWriter | None = None

    def values() -> Iterator[dict[str, Any]]:
        nonlocal origins
        for row in rows_checked(layout, rows):
            if origins is None:
                origins = SplitWriter(out / PROVENANCE, split, origin_schema(row.origin))
            origins.add(row.origin)
            yield row.values

    if layout.file_kind == "parquet":
        data = SplitWriter(out / DATA, split, layout.features())
        for each in values():
            data.add(each)
        files = data.close()
    else:
        path = out / DATA / f"{split}.{layout.file_kind}"
        count = write_rows(path, values(), path.name)
        files = {f"{DATA}/{path.name}": facts(path, count)}
    return files | (origins.close() if origins else {})


def rows_checked(layout: TrainerLayout, rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except RowError as error:
        raise Invalid(f"{layout.name}: {error.message}", code=error.code) from None


def origin_schema(origin: Mapping[str, Any]) -> Any:
    """Texts for what every export has, numbers for the weight and the scores."""
    texts = {"record_id", *COLUMNS, *STRINGS} - {"weight"}
    return pa.schema([(name, pa.string() if name in texts else pa.float64()) for name in origin])


def rows_of(files: Mapping[str, FileFacts], split: str) -> int:
    return sum(
        found.get("rows", 0) for name, found in files.items() if name.startswith(f"{DATA}/{split}")
    )


def describe(
    described: Mapping[str, Any], layout: PairLayout, wanted: Wanted, files: Mapping[str, FileFacts]
) -> dict[str, Any]:
    """The manifest of the export it was made from, with this folder's own files."""
    return {
        **described,
        "layout": layout.name,
        "options": {**layout.model_dump(), **wanted._asdict(), "options": dict(wanted.options)},
        "columns": [
            {"name": name, "meaning": "as the trainer reads it"} for name in layout.columns
        ],
        "made_from": {name: found["sha256"] for name, found in described["files"].items()},
        **counted_with(described, wanted.tokenizer),
        "files": {name: dict(files[name]) for name in sorted(files)},
    }


def counted_with(described: Mapping[str, Any], tokenizer: str | None) -> dict[str, Any]:
    """What else of this machine the preflight's lengths depend on."""
    if tokenizer is None:
        return {}
    versions = {name: version(name) for name in ("tokenizers", "transformers")}
    return {
        "versions": {**described["versions"], **versions},
        "tokenizer": {"name": tokenizer, "sha256": digest(tokenizer)},
    }


def card(
    layout: PairLayout, described: Mapping[str, Any], place: Place, rows: Mapping[str, int]
) -> str:
    front = {
        "license": described["license"] or "unknown",
        "tags": ["preference", "prefsift", layout.name],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": list(paths)} for split, paths in place.files.items()
                ],
            }
        ],
    }
    counted = ", ".join(f"{count} rows in {split}" for split, count in rows.items())
    recipe = described["recipe"]["id"]
    columns = ", ".join(f"`{name}`" for name in layout.columns)
    gone = sum(described.get("pairs_left_out", {}).values())
    few = f"{gone:,} {'pair' if gone == 1 else 'pairs'} that it can't take: `{LEFT_OUT}` has why."
    left = f"Left out: {few}\n\n" if gone else ""
    whose = described.get("labels")
    said = f"Labels: {words.labels(LabelsLine.model_validate(whose))}\n\n" if whose else ""
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False, width=1000)}---\n"
        f"# Preference pairs for {layout.name}\n\n{layout.description}: {counted}; "
        f"columns {columns}. Selected by the recipe {recipe}, budget {described['budget']}, "
        f"seed {described['seed']}.\n\n"
        f"{left}{said}`provenance/` says, row by row in the same order, where each row comes from; "
        "`preflight.json` what was checked; `manifest.json` has the hash of every file.\n"
    )
