"""Splits a dataset's prompts so that nothing leaks, and remembers where each one went."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from curation.grouping import (
    LEFT_OUT,
    TEST,
    THRESHOLD,
    Assignment,
    assign,
    by_key,
    near_duplicates,
    prompt_text,
    root_key,
)
from service.tables.items import Prompt
from service.tables.subsets import SplitAssignment

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

    def __init__(self, scheme: Scheme, assigned: Assignment) -> None:
        self.scheme, self.assigned = scheme, assigned

    def of(self, prompt_id: str) -> str:
        return self.assigned.splits[prompt_id]

    def among(self, prompt_ids: set[str], split: str) -> frozenset[str]:
        return frozenset(each for each in prompt_ids if self.of(each) == split)

    def describe(self, prompt_ids: set[str]) -> dict[str, Any]:
        """For the manifest, of the prompts that are exported.

        `exceptions` are the prompts whose split follows from an earlier export: with them the
        rows can be split in the same way from nothing but the files.
        """
        known = self.assigned
        return {
            **self.scheme.model_dump(mode="json"),
            "components": known.components,
            "largest_component": known.largest,
            "prompts_left_out": len(self.among(prompt_ids, LEFT_OUT)),
            "prompts_test": len(self.among(prompt_ids, TEST)),
            "exceptions": dict(sorted(known.exceptions.items())),
        }


def split_dataset(
    session: Session,
    dataset_id: uuid.UUID,
    scheme: Scheme,
    given: Mapping[str, str] | None = None,
) -> Splits:
    """The split of every prompt of the dataset; new ones get theirs and keep it.

    `given`: exceptions of a manifest that is replayed, taken where nothing is known yet.
    """
    key = func.hashtextextended(f"{dataset_id}:{scheme.sha256()}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))  # two exports at once
    earlier = stored(session, dataset_id, scheme)
    prompts = sorted(known_prompts(session, dataset_id))
    ids = [each for each, _ in prompts]
    found = groups(session, dataset_id, scheme, prompts)
    assigned = assign(ids, found, scheme.fraction, scheme.seed, earlier)
    if given and not earlier:
        changed = {each: given[each] for each in ids if each in given}
        assigned = assigned._replace(splits=assigned.splits | changed, exceptions=changed)
    new = [(each, assigned.splits[each]) for each in ids if each not in earlier]
    for start in range(0, len(new), BATCH):
        session.execute(
            insert(SplitAssignment),
            [
                {
                    "dataset_id": dataset_id,
                    "scheme": scheme.sha256(),
                    "prompt_id": uuid.UUID(prompt_id),
                    "split": split,
                }
                for prompt_id, split in new[start : start + BATCH]
            ],
        )
    return Splits(scheme, assigned)


def stored(session: Session, dataset_id: uuid.UUID, scheme: Scheme) -> dict[str, str]:
    query = select(SplitAssignment.prompt_id, SplitAssignment.split).where(
        SplitAssignment.dataset_id == dataset_id, SplitAssignment.scheme == scheme.sha256()
    )
    return {str(prompt_id): split for prompt_id, split in session.execute(query)}


def known_prompts(
    session: Session, dataset_id: uuid.UUID
) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    query = select(Prompt.id, Prompt.messages).where(Prompt.dataset_id == dataset_id)
    for prompt_id, messages in session.execute(query.execution_options(yield_per=BATCH)):
        yield str(prompt_id), messages


def groups(
    session: Session,
    dataset_id: uuid.UUID,
    scheme: Scheme,
    prompts: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
) -> Iterator[tuple[int, ...]]:
    """Indices of prompts that the scheme keeps together."""
    yield from text_groups(scheme, [messages for _, messages in prompts])
    if "annotator" in scheme.by:
        place = {prompt_id: index for index, (prompt_id, _) in enumerate(prompts)}
        judged: dict[uuid.UUID, list[int]] = {}
        for table in LABELS:
            found = session.execute(text(JUDGED.format(table=table)), {"dataset": dataset_id})
            for prompt_id, annotator_id in found:
                judged.setdefault(annotator_id, []).append(place[str(prompt_id)])
        yield from (tuple(sorted({*indices})) for indices in judged.values())


def text_groups(
    scheme: Scheme, prompts: Sequence[Sequence[Mapping[str, Any]]], crowds: bool = True
) -> Iterator[tuple[int, ...]]:
    """Those that can be told from the prompts alone; without crowds, only what is alike."""
    if "conversation" in scheme.by:
        yield from by_key(map(root_key, prompts))
    if "near_duplicate" in scheme.by:
        yield from near_duplicates([*map(prompt_text, prompts)], scheme.threshold, crowds)
