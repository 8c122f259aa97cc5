"""The records of a subset, from the database to a folder."""

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from curation.grouping import LEFT_OUT
from service.export import (
    everything,
    fingerprints,
    pair_labels,
    record_folder,
    record_source,
    source,
    wishes,
)
from service.export.manifest import FORMAT
from service.export.record_relabelling import as_given, relabelling_of
from service.export.shards import FileFacts
from service.export.splitting import Scheme, split_dataset
from service.export.trainer_folder import Wanted
from service.review.labels import Labels
from service.tables.datasets import Dataset
from service.tables.subsets import Subset

PACKAGES = ("prefsift", "pyarrow")


def write(
    session: Session,
    subset: Subset,
    options: Mapping[str, Any],
    wanted: Wanted,
    out: Path,
    labels: Labels | None = None,
) -> tuple[int, dict[str, FileFacts]]:
    """Rows, and each file's facts by path. Raises Invalid as `record_folder.write` does."""
    by = options.get("split_by")
    scheme = Scheme(
        fraction=float(options["test_fraction"]),
        seed=options.get("split_seed", 0),
        **({} if by is None else {"by": by}),
    )
    counts = record_source.prompts(session, subset)
    splits = split_dataset(session, subset.dataset_id, scheme, options.get("split_exceptions"))
    left_out = sum(counts[each] for each in splits.among({*counts}, LEFT_OUT))
    described = describe(session, subset, options)
    described["split"] = splits.describe({*counts}) | {"records_left_out": left_out}
    told = relabelling_of(labels, wanted.layout)
    read = partial(record_source.records, session, subset)
    return record_folder.write(
        lambda: read(as_given) if told is None else told.again(read),
        {each: splits.of(each) for each in counts},
        out,
        wanted,
        described,
        splits.table({*counts}, fingerprints.media(session, subset.dataset_id, [*counts])),
        None if told is None else told.described,
    )


def describe(session: Session, subset: Subset, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of where the records come from: nothing random, of a machine, or of
    a moment."""
    uploads = source.uploads(session, subset.dataset_id)
    return {
        "format": FORMAT,
        "license": session.get_one(Dataset, subset.dataset_id).license,
        "versions": {name: version(name) for name in PACKAGES},
        "uploads": [source.describe_upload(upload) for upload in uploads],
        "recipe": subset.recipe,
        "recipe_sha256": subset.recipe_sha256,
        "budget": subset.budget,
        "seed": subset.seed,
        "every_record": everything.is_everything(subset),
        "test_fraction": options["test_fraction"],
        "pair_builds": [dict(each) for each in pair_labels.builds(session, subset)],
        "replay": wishes.of(session, subset, options),
    }
