"""What the prompts of a dataset are about, read from the cells and the fit of the topic signal."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from curation.items import View
from curation.signals import Level
from curation.signals.topic import Topic
from curation.structure.coverage import neighbourhoods, spread
from service.cells import embedding_model, load_fit
from service.columns import item_ids, load_prompts, load_scores, load_vectors, view_texts
from service.computed import Computed
from service.tables.datasets import Dataset
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem

NAMED_BY = 3  # terms
SAMPLE = 4000  # prompts whose neighbourhoods are looked at
POINTS = 1500  # on the map
LETTERS = 100  # of a prompt on the map
NEIGHBOURS = 5


class Mapped(NamedTuple):
    """The prompts of a dataset by id: `topics` (n,), −1 unknown, `spots` (n, 2), `pairs` (n,) how
    many each has, `kept` (n,) how many of those a subset keeps; `terms` of each topic."""

    ids: list[str]
    topics: NDArray[np.int64]
    spots: NDArray[np.float64]
    pairs: NDArray[np.int64]
    kept: NDArray[np.int64]
    terms: list[list[str]]

    @property
    def names(self) -> list[str]:
        """Readable ones; a topic without words is called by its number."""
        return [", ".join(each[:NAMED_BY]) or f"topic {n}" for n, each in enumerate(self.terms)]


def mapped(session: Session, dataset: Dataset, found: Computed, subset: Subset | None) -> Mapped:
    ids = item_ids(session, dataset.id, Level.prompt)
    topics = load_scores(session, found.cells("topic"), ids)
    spots = [load_scores(session, found.cells(axis), ids) for axis in "xy"]
    terms: list[list[str]] = []
    if found.fit is not None:
        table = load_fit(found.fit).arrays["terms"].tolist()
        terms = [[term for term in row if term] for row in table]
    pairs, kept = counted(session, dataset, subset, ids)
    return Mapped(
        ids, np.where(np.isfinite(topics), topics, -1).astype(np.int64), np.stack(spots, axis=1),
        pairs, kept, terms,
    )  # fmt: skip


def counted(
    session: Session, dataset: Dataset, subset: Subset | None, ids: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of each prompt, and those that the subset keeps."""
    place = {name: row for row, name in enumerate(ids)}
    pairs, kept = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
    query = select(cast(Pair.prompt_id, String)).where(Pair.dataset_id == dataset.id)
    for name in session.scalars(query):
        pairs[place[name]] += 1
    if subset is not None:
        query = query.join(SubsetItem, SubsetItem.pair_id == Pair.id)
        query = query.where(SubsetItem.subset_id == subset.id, SubsetItem.rank.is_not(None))
        for name in session.scalars(query):
            kept[place[name]] += 1
    return pairs, kept


def topics_told(found: Mapped, subset: Subset | None) -> list[dict[str, Any]]:
    """One entry a topic, the largest first."""
    told = spread(found.topics, found.kept > 0)
    rows: list[dict[str, Any]] = []
    for count, terms, name in zip(told.topics, found.terms, found.names, strict=False):
        own = found.topics == count.topic
        entry: dict[str, Any] = {
            "topic": count.topic, "name": name, "terms": terms, "prompts": count.pool,
            "pairs": int(found.pairs[own].sum()), "kept": None, "expected": None,
            "kept_pairs": None,
        }  # fmt: skip
        if subset is not None:
            kept = int(found.kept[own].sum())
            entry |= {"kept": count.kept, "expected": count.expected, "kept_pairs": kept}
        rows.append(entry)
    return rows


def coverage(
    session: Session, dataset: Dataset, signal: Topic, found: Mapped, seed: int = 0
) -> dict[str, Any]:
    """Of a subset: topics and neighbourhoods that it covers, beside a random one of its size."""
    kept = found.kept > 0
    told = spread(found.topics, kept)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(found.ids))[:SAMPLE])
    model = embedding_model(session, dataset.workspace_id, signal.embedder)
    prompts = load_prompts(session, dataset.id, [found.ids[row] for row in rows.tolist()])
    vectors = load_vectors(session, model.id, view_texts(prompts, View.prompt).ids)
    at = {name: place for place, name in enumerate(prompts.ids)}
    vectors = vectors[[at[found.ids[row]] for row in rows.tolist()]]
    own = kept[rows]
    other = np.zeros(len(rows), np.bool_)
    other[rng.permutation(len(rows))[: int(own.sum())]] = True
    random = spread(found.topics, shuffled(kept, rng))
    return {
        "prompts": len(found.ids),
        "prompts_kept": int(kept.sum()),
        "topics": len(told.topics),
        "topics_covered": told.covered,
        "topics_covered_by_random": random.covered,
        "shift": told.shift,
        "shift_of_random": random.shift,
        "neighbourhoods_covered": finite(neighbourhoods(vectors, own, NEIGHBOURS)),
        "neighbourhoods_covered_by_random": finite(neighbourhoods(vectors, other, NEIGHBOURS)),
        "neighbourhoods_of": len(rows),
    }


def shuffled(kept: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    return kept[rng.permutation(len(kept))]


def finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


class Point(NamedTuple):
    x: float
    y: float
    topic: int
    kept: bool
    text: str


def points(session: Session, dataset: Dataset, found: Mapped, seed: int = 0) -> list[Point]:
    """A random sample of at most 1,500 prompts."""
    there = np.flatnonzero(np.isfinite(found.spots).all(axis=1))
    rows = np.sort(np.random.default_rng(seed).permutation(there)[:POINTS])
    ids = [found.ids[row] for row in rows.tolist()]
    prompts = load_prompts(session, dataset.id, ids)
    texts = dict(zip(prompts.ids, prompts.texts, strict=True))
    return [
        Point(
            float(found.spots[row, 0]), float(found.spots[row, 1]), int(found.topics[row]),
            bool(found.kept[row]), " ".join(texts[id].split())[-LETTERS:],
        )
        for row, id in zip(rows.tolist(), ids, strict=True)
    ]  # fmt: skip
