"""Sketches of a snapshot: stored ones, and those that a job makes where one is missing."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from curation.thresholds.binning import BINS, GRID_BINS, equal_mass
from curation.thresholds.noise import most_wrong
from curation.thresholds.quantities import SOURCES, quantity_names
from curation.thresholds.sketch import Ends, Sketch
from service.queue import only_job
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.viewer import Snapshot, ThresholdSketch
from service.viewer.snapshots import VERSION, with_scores
from service.what_if import columns

FORMAT = 1  # of the stored file; another is made anew
SAMPLE = 1 << 20  # pairs that the bins are cut by; the bound counts all
TOGETHER = 8  # fields that are sampled in one reading
STAGES = ["sketch"]
# P(a label like this agrees with it), calibrated on labels that the heads did not see.
CHANCES = ("reward_margin.p_correct", "label_trust.p_correct")
# What the mean margin is of: the first that there is.
MARGINS = ("reward_margin.margin_mean", "preference_strength.mu", "margin")


class Told(NamedTuple):
    """A sketch, and what it sums: the outputs of CHANCES that there are, each with the largest rate
    of wrong labels that it leaves room for, the margin, sources."""

    sketch: Sketch
    chances: dict[str, float]
    margin: str
    sources: list[str]


def names_of(snapshot: Snapshot) -> tuple[list[str], str]:
    """The outputs that give P(a label agrees), and the one whose mean is the margin."""
    scored = [found["name"] for found in snapshot.scores]
    chances = [name for name in CHANCES if name in scored]
    return chances, next(name for name in MARGINS if name in {*scored, "margin"})


def told_or_job(
    session: Session, dataset: Dataset, snapshot: Snapshot, fields: Sequence[str]
) -> Told | Job:
    """The sketch of the dataset's newest snapshot, or the job that makes it, a running one where
    there is one."""
    row = session.get(ThresholdSketch, (snapshot.id, "\n".join(fields)))
    if row is not None and (found := read(row.content)) is not None:
        return found
    return only_job(session, dataset, JobKind.what_if, {"fields": list(fields)}, STAGES)


def one_of(snapshot: Snapshot) -> int:
    """Of so many pairs one is in the sample."""
    return -(-snapshot.rows // SAMPLE)


def build(
    session: Session, snapshot: Snapshot, fields: Sequence[str], progress: Callable[[int], object]
) -> int:
    """Sketch these fields together; a single one along with every score of the snapshot. How many
    sketches there are now; 0 where the dataset has changed meanwhile."""
    with_scores(session, snapshot)
    session.execute(text("SET LOCAL work_mem = '64MB'"))
    scored = [found["name"] for found in snapshot.scores] if len(fields) == 1 else []
    groups = [tuple(fields), *((name,) for name in scored if name not in fields)]
    used = list(dict.fromkeys(name for group in groups for name in group))
    chances, margin = names_of(snapshot)
    sources = columns.sources(session, snapshot.dataset_id, one_of(snapshot), SOURCES)
    edges, rates = cut(session, snapshot, used, chances, BINS if len(fields) == 1 else GRID_BINS)
    names = quantity_names([margin], chances, sources)
    sketches = [Sketch.empty(group, [edges[name] for name in group], names) for group in groups]
    wanted, done = columns.Wanted(used, [margin], chances, sources), 0
    # Closed at once where the job is stopped: nothing else can be sent while rows come in.
    with closing(columns.stream(session, snapshot, wanted)) as blocks:
        for block, rows in blocks:
            table = rows.table(len(sources))
            for sketch in sketches:
                sketch.add([block[:, used.index(name)] for name in sketch.fields], table)
            done += len(block)
            progress(done)
    if session.scalar(VERSION, {"dataset": snapshot.dataset_id}) != snapshot.version:
        return 0
    for sketch in sketches:
        store(session, snapshot, Told(sketch, rates, margin, sources))
    return len(sketches)


def cut(
    session: Session, snapshot: Snapshot, fields: Sequence[str], chances: Sequence[str], bins: int
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """The bins of each field, and the most wrong labels that each chance leaves room for."""
    edges: dict[str, NDArray[np.float64]] = {}
    rates: dict[str, float] = {}
    for name, values in sampled(session, snapshot, list(dict.fromkeys([*fields, *chances]))):
        if name in fields:
            edges[name] = equal_mass(values, bins)
        if name in chances:
            rates[name] = most_wrong(values)
    return edges, rates


def sampled(
    session: Session, snapshot: Snapshot, fields: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Each field with its values, of a part of the pairs where they are many."""
    one_in = one_of(snapshot)
    for start in range(0, len(fields), TOGETHER):
        some = fields[start : start + TOGETHER]
        values = columns.sample(session, snapshot, some, one_in)
        yield from ((name, values[:, at]) for at, name in enumerate(some))


def store(session: Session, snapshot: Snapshot, told: Told) -> None:
    values = {
        "snapshot_id": snapshot.id, "fields": "\n".join(told.sketch.fields), "content": write(told),
    }  # fmt: skip
    adding = insert(ThresholdSketch).values(values)
    session.execute(
        adding.on_conflict_do_update(
            index_elements=["snapshot_id", "fields"], set_={"content": values["content"]}
        )
    )


def write(told: Told) -> bytes:
    sketch = told.sketch
    said = {
        "format": FORMAT, "fields": sketch.fields, "names": sketch.names, "about": told[1:],
    }  # fmt: skip
    arrays = {"sums": sketch.sums, "missing": sketch.missing}
    for at, ends in enumerate(sketch.ends):
        arrays |= {f"{name}_{at}": column for name, column in ends._asdict().items()}
    file = io.BytesIO()
    about = np.frombuffer(orjson.dumps(said), np.uint8)
    np.savez_compressed(file, allow_pickle=False, about=about, **arrays)
    return file.getvalue()


def read(content: bytes) -> Told | None:
    """None where another version wrote it."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        said = orjson.loads(arrays["about"].tobytes())
        if said["format"] != FORMAT:
            return None
        ends = tuple(
            Ends(*(arrays[f"{name}_{at}"] for name in Ends._fields))
            for at in range(len(said["fields"]))
        )
        sketch = Sketch(
            tuple(said["fields"]), ends, tuple(said["names"]), arrays["sums"], arrays["missing"]
        )
    return Told(sketch, *said["about"])
