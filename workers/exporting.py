"""Export jobs: a subset as a folder of files, published when all of them are stored."""

import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from curation.grouping import LEFT_OUT, TEST
from service import files
from service.errors import Invalid
from service.export import (
    everything,
    fingerprints,
    folder,
    measures,
    pair_labels,
    recipe_columns,
    record_export,
    source,
    trainer_folder,
    wishes,
)
from service.export.manifest import Provenance
from service.export.record_folder import RECORD_LAYOUTS
from service.export.relabelling import (
    AS_GIVEN,
    Relabelling,
    labels_for,
    of_export,
    relabelled,
    with_columns,
)
from service.export.shards import FileFacts
from service.export.splitting import Scheme, split_dataset
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Export, Subset
from workers.handler import Handler, ShardPlan, Work

PACKAGES = ("prefsift", "pyarrow", "numpy", "matplotlib")


class Exporting(Handler):
    """One shard. The files are stored by content hash; the export's row makes them visible.

    So a killed worker leaves nothing at the export's paths, and the retry stores the same files.
    """

    kind = JobKind.export

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        export = session.get_one(Export, job.spec["export_id"])
        subset = session.get_one(Subset, export.subset_id)
        if subset.state == "pending":  # of a whole dataset: kept by a filter, not by a recipe
            everything.fill(session, subset)
        return [ShardPlan({}, rows=subset.size or 0)]

    def run(self, work: Work) -> None:
        session = work.session
        export = session.get_one(Export, work.job.spec["export_id"])
        subset = session.get_one(Subset, export.subset_id)
        with fresh_folder(export) as path:
            out, export.rows, written = fill(session, subset, export, path)
            export.files = {
                name: {**facts, "key": store(out / name)} for name, facts in written.items()
            }
        export.state = "ready"

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        export = session.get_one(Export, job.spec["export_id"])
        return {"export_id": str(export.id), "rows": export.rows, "files": len(export.files or {})}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        export = session.get_one(Export, job.spec["export_id"])
        export.state = "failed"
        subset = session.get_one(Subset, export.subset_id)
        if subset.state == "pending":
            subset.state = "failed"


def fill(
    session: Session, subset: Subset, export: Export, path: Path
) -> tuple[Path, int, Mapping[str, FileFacts]]:
    """Fill a folder in `path`; which one, its rows, and each file's facts by path."""
    pairs, out = path / "pairs", path / "out"
    pairs.mkdir()
    out.mkdir()
    if export.layout in RECORD_LAYOUTS:
        labels = labels_for(session, subset, export)
        rows, written = record_export.write(
            session, subset, export.options, wanted(export), out, labels
        )
        return out, rows, written
    relabelling = of_export(session, subset, export)
    found = write(session, subset, export.options, pairs, relabelling)
    total = sum(each.get("rows", 0) for each in found.values())
    if not total:
        raise Invalid(why_empty(subset), code="nothing_to_export")
    if export.layout == "huggingface":
        return pairs, total, found
    rows, written = trainer_folder.write(pairs, out, wanted(export))
    return out, rows, written


def why_empty(subset: Subset) -> str:
    if not subset.pool:
        return "the dataset has no pairs: build some from its labels, or take a layout of records"
    if not subset.size:
        return f"the filter or the recipe keeps none of the {subset.pool:,} pairs"
    return f"all {subset.size:,} pairs are left out: by their labels, or as they are of both splits"


def wanted(export: Export) -> trainer_folder.Wanted:
    asked: dict[str, Any] = {"leave_out": False, **export.options}
    names = ("options", "tokenizer", "max_length", "resample", "leave_out")
    return trainer_folder.Wanted(export.layout, **{name: asked[name] for name in names})


@contextmanager
def fresh_folder(export: Export) -> Generator[Path]:
    """A local folder that the next attempt finds and empties, should this one be killed."""
    path = Path(tempfile.gettempdir(), f"prefsift-export-{export.id}")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def store(path: Path) -> str:
    """Put a file into the store by its content; its key."""
    with path.open("rb") as file:
        return files.put(file)


def write(
    session: Session,
    subset: Subset,
    options: Mapping[str, Any],
    path: Path,
    relabelling: Relabelling | None = None,
) -> dict[str, Any]:
    """Fill the folder from the database; each file's facts by path."""
    fraction = float(options["test_fraction"])
    by = options.get("split_by")
    scheme = Scheme(
        fraction=fraction,
        seed=options.get("split_seed", 0),
        **({} if by is None else {"by": by}),
    )
    splits = split_dataset(session, subset.dataset_id, scheme, options.get("split_exceptions"))
    kept = source.kept_prompts(session, subset)
    both = splits.among({*kept}, LEFT_OUT)
    rows_left_out = sum(kept[prompt] for prompt in both)
    uploads = source.uploads(session, subset.dataset_id)
    manifest = source.manifest_of(subset)
    provenance = Provenance(
        uploads=tuple(source.describe_upload(upload) for upload in uploads),
        recipe=subset.recipe,
        signals=tuple(signal.model_dump(mode="json") for signal in manifest.signals),
        license=session.get_one(Dataset, subset.dataset_id).license,
        test_fraction=fraction,
        versions={name: version(name) for name in PACKAGES},
        pair_builds=pair_labels.builds(session, subset),
        split=splits.describe({*kept}) | {"rows_left_out": rows_left_out},
        replay=wishes.of(session, subset, options),
        labels=None if relabelling is None else relabelling.described,
    )
    cited = pair_labels.evidence_columns(session, subset)
    labels = [
        *pair_labels.columns(session, subset), *source.image_columns(session, subset), *cited
    ]  # fmt: skip
    if relabelling is not None:
        labels = with_columns(labels)
    told = AS_GIVEN if relabelling is None else relabelling.told(session, subset)
    rows = source.rows(
        session, subset, labels, lambda pair, row: relabelled(relabelling, pair, row, both)
    )
    _, written = folder.write(
        path,
        (row for row in rows if row["prompt_id"] not in both),
        splits.among({*kept}, TEST),
        measures.measure(session, subset, told),
        provenance,
        source.rejects(session, subset.dataset_id),
        [*recipe_columns.names(labels, manifest.outputs), *manifest.score_columns()],
        splits.table({*kept}, fingerprints.media(session, subset.dataset_id, [*kept])),
    )
    return dict(written)
