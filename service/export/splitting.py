"""Splits a dataset's prompts so that nothing leaks, and remembers where each one went."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from curation.grouping import (
    LEFT_OUT,
    TEST,
    THRESHOLD,
    Assignment,
    Prints,
    Texts,
    agreeing,
    alike,
    assign,
)
from service.export import fingerprints
from service.export.fingerprints import Known
from service.tables.splits import SplitAssignment

SplitBy: TypeAlias = Literal["prompt", "conversation", "near_duplicate", "annotator"]
DEFAULT_BY: tuple[SplitBy, ...] = ("prompt", "conversation", "near_duplicate")
TEST_FRACTION = 0.05
BATCH = 10_000
JUDGED = """
SELECT DISTINCT r.prompt_id, l.annotator_id
FROM records r JOIN uploads u ON u.id = r.upload_id AND u.state = 'ingested'
JOIN {table} l ON l.upload_id = r.upload_id AND l.line = r.line AND l.part = r.part
WHERE r.dataset_id = :dataset AND l.annotator_id IS NOT NULL
"""
LABELS = ("comparisons", "ratings", "rankings", "feedback")


class Scheme(BaseModel):
    """How to split. Another scheme is another set of assignments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: tuple[SplitBy, ...] = Field(default=DEFAULT_BY, description="what stays together")
    fraction: float = Field(default=TEST_FRACTION, ge=0, le=0.5)
    seed: int = 0
    threshold: float = Field(default=THRESHOLD, gt=0, le=1, description="of a near-duplicate")
    version: Literal[1] = 1

    def sha256(self) -> str:
        said = self.model_dump(mode="json") | {"by": sorted({*self.by, "prompt"})}
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Splits:
    """Where the prompts of a dataset are."""

    def __init__(
        self, scheme: Scheme, known: Known, assigned: Assignment, judged: list[tuple[int, ...]]
    ) -> None:
        self.scheme, self.known, self.assigned, self.judged = scheme, known, assigned, judged

    def of(self, prompt_id: str) -> str:
        return self.assigned.splits[prompt_id]

    def among(self, prompt_ids: set[str], split: str) -> frozenset[str]:
        return frozenset(each for each in prompt_ids if self.of(each) == split)

    def describe(self, prompt_ids: set[str]) -> dict[str, Any]:
        """For the manifest, of the prompts that are exported.

        `exceptions` are the prompts whose split follows from an earlier export: with them the
        rows can be split in the same way from nothing but the files.
        """
        found = self.assigned
        return {
            **self.scheme.model_dump(mode="json"),
            "components": found.components,
            "largest_component": found.largest,
            "prompts_left_out": len(self.among(prompt_ids, LEFT_OUT)),
            "prompts_test": len(self.among(prompt_ids, TEST)),
            "exceptions": dict(sorted(found.exceptions.items())),
        }

    def table(self, prompt_ids: set[str], media: frozenset[str]) -> Any:
        """A table for `splits.parquet`: what shows, prompt by prompt, that nothing was parted.

        `component` and `annotators` are numbers; none has prompts in train and in test. `media`
        are the prompts that hold more than text.
        """
        places = [place for place, each in enumerate(self.known.ids) if each in prompt_ids]
        ids = [self.known.ids[place] for place in places]
        columns: dict[str, Any] = {
            "prompt_id": pa.array(ids, pa.string()),
            "split": pa.array([self.of(each) for each in ids], pa.string()),
            "component": pa.array(self.assigned.parts[places].tolist(), pa.int64()),
            "text_only": pa.array([each not in media for each in ids], pa.bool_()),
        }
        if "annotator" in self.scheme.by:
            who: dict[int, list[int]] = {place: [] for place in places}
            for number, group in enumerate(self.judged):
                for place in group:
                    if place in who:
                        who[place].append(number)
            columns["annotators"] = pa.array([*who.values()], pa.list_(pa.int64()))
        return pa.table(columns)


def split_dataset(
    session: Session,
    dataset_id: uuid.UUID,
    scheme: Scheme,
    given: Mapping[str, str] | None = None,
) -> Splits:
    """The split of every prompt of the dataset; new ones get theirs and keep it.

    `given`: the exceptions of a manifest that is replayed. They and the rule decide then, not
    what this dataset remembers, and nothing is remembered.
    """
    key = func.hashtextextended(f"{dataset_id}:{scheme.sha256()}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))  # two exports at once
    earlier = {} if given is not None else stored(session, dataset_id, scheme)
    known = fingerprints.known(session, dataset_id)
    judged = annotated(session, dataset_id, known.ids) if "annotator" in scheme.by else []

    def texts(places: Any) -> list[str]:
        return fingerprints.texts(session, dataset_id, [known.ids[place] for place in places])

    found = text_groups(scheme, known.prints, texts)
    fraction, seed = scheme.fraction, scheme.seed
    assigned = assign(known.ids, found, fraction, seed, earlier, judged, given)
    if given is None:
        remember(session, dataset_id, scheme, assigned.splits, earlier)
    return Splits(scheme, known, assigned, judged)


def remember(
    session: Session,
    dataset_id: uuid.UUID,
    scheme: Scheme,
    splits: Mapping[str, str],
    earlier: Mapping[str, str],
) -> None:
    new = [prompt_id for prompt_id in splits if prompt_id not in earlier]
    same = {"dataset_id": dataset_id, "scheme": scheme.sha256()}
    for start in range(0, len(new), BATCH):
        rows = [
            {**same, "prompt_id": uuid.UUID(each), "split": splits[each]}
            for each in new[start : start + BATCH]
        ]
        session.execute(insert(SplitAssignment), rows)


def stored(session: Session, dataset_id: uuid.UUID, scheme: Scheme) -> dict[str, str]:
    query = select(SplitAssignment.prompt_id, SplitAssignment.split).where(
        SplitAssignment.dataset_id == dataset_id, SplitAssignment.scheme == scheme.sha256()
    )
    return {str(prompt_id): split for prompt_id, split in session.execute(query)}


def annotated(
    session: Session, dataset_id: uuid.UUID, prompt_ids: list[str]
) -> list[tuple[int, ...]]:
    """For each annotator, in the order of their ids, the places of the prompts they judged."""
    place = {prompt_id: index for index, prompt_id in enumerate(prompt_ids)}
    judged: dict[uuid.UUID, set[int]] = {}
    for table in LABELS:
        found = session.execute(text(JUDGED.format(table=table)), {"dataset": dataset_id})
        for prompt_id, annotator_id in found:
            judged.setdefault(annotator_id, set()).add(place[str(prompt_id)])
    return [tuple(sorted(judged[each])) for each in sorted(judged)]


def text_groups(
    scheme: Scheme, prints: Prints, texts: Texts, crowds: bool = True
) -> Iterator[tuple[int, ...]]:
    """Those that can be told from the prompts alone; without crowds, only what is alike."""
    if "conversation" in scheme.by:
        for group in agreeing(prints["root"], np.arange(len(prints))):
            yield tuple(group.tolist())
    if "near_duplicate" in scheme.by:
        yield from alike(prints, texts, scheme.threshold, crowds)
