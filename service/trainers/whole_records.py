"""Whole records: native, ranked lists, prompts, and images by URI."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean
from typing import Any, ClassVar, Literal

import pyarrow as pa

from service.export.layout import LABELS, FileKind, RecordLayout, Row, TrainingRecord, counted
from service.export.plain import MESSAGES, only, plain
from service.formats import FORMATS
from service.formats.fields import turns_of
from service.formats.record import Rating, Record


class NativeRecord(RecordLayout):
    """Everything that was said; a row leaves out the columns of which nothing was said."""

    name: ClassVar[str] = "native"
    relabels: ClassVar[Literal["added", "decides"] | None] = "added"
    description: ClassVar[str] = "prefsift's own record, with every label"
    file_kind: ClassVar[FileKind] = "jsonl"
    trains: ClassVar[bool] = False
    read_by: ClassVar[str | None] = "native"

    def features(self) -> Any:
        return pa.schema([(name, pa.string()) for name in FORMATS["native"].columns])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for row in FORMATS["native"].write(each.record):
                yield Row(row, each.origin)


class RankedList(RecordLayout):
    """Of each ranking, the ranked responses; else of the ratings, those that were rated.

    `ranks` start at 1, the best, as LiPO's discounts need them, and ties share one. `scores` are
    mean ratings, higher = better, or null. Lists of one are left out.
    """

    name: ClassVar[str] = "ranked"
    description: ClassVar[str] = "Ranked lists (PRO, LiPO, RRHF): responses, scores, ranks"

    def features(self) -> Any:
        return pa.schema(
            [
                ("prompt", MESSAGES),
                ("responses", pa.list_(pa.string())),
                ("scores", pa.list_(pa.float64())),
                ("ranks", pa.list_(pa.int64())),
            ]
        )

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            scores = mean_ratings(each.record)
            for ranks in ranks_of(each.record, scores):
                if len(ranks) > 1:
                    yield Row(ranked(each.record, ranks, scores), each.origin)

    def leaves_out(self, record: Record) -> dict[str, int]:
        """A rating that leaves only as a part of a mean is left out, too."""
        lists = [each for each in ranks_of(record, mean_ratings(record)) if len(each) > 1]
        listed = {id for each in lists for id in each}
        given = Counter(label.response for label in record.ratings)
        alone = sum(
            label.turn is None and label.response in listed and given[label.response] == 1
            for label in record.ratings
        )
        return counted(
            {
                "comparisons": len(record.comparisons),
                "ratings": len(record.ratings) - alone,
                "rankings": len(record.rankings) - len(lists) if record.rankings else 0,
                "feedback": len(record.feedback),
            }
        )


class Prompts(RecordLayout):
    """For trainers that sample their own answers, also where the data holds no pair."""

    name: ClassVar[str] = "prompts"
    description: ClassVar[str] = "Prompts only, of all records: each prompt once"

    def features(self) -> Any:
        return pa.schema([("prompt", MESSAGES)])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        seen: set[str] = set()
        for each in records:
            if each.prompt_id not in seen:
                seen.add(each.prompt_id)
                yield Row({"prompt": plain(each.record.messages)}, each.origin)

    def leaves_out(self, record: Record) -> dict[str, int]:
        return counted({name: len(getattr(record, name)) for name in LABELS})


class ImagePairs(RecordLayout):
    """Images by URI, never their bytes."""

    name: ClassVar[str] = "image_pairs"
    description: ClassVar[str] = "Pick-a-Pic columns (Diffusion-DPO), images by URI"
    read_by: ClassVar[str | None] = "image_pairs"

    def features(self) -> Any:
        texts = ("caption", "jpg_0", "jpg_1", "model_0", "model_1")
        columns = [(name, pa.string()) for name in texts]
        return pa.schema([*columns, ("label_0", pa.float64()), ("label_1", pa.float64())])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for row in FORMATS["image_pairs"].write(each.record):
                if row.get("has_label"):
                    yield Row({name: row.get(name) for name in self.columns}, each.origin)


def mean_ratings(record: Record) -> dict[str, float]:
    """By response id: the mean of its overall ratings, or of all where each is of an aspect."""
    found: dict[str, list[Rating]] = {}
    for label in record.ratings:
        if label.response is not None and label.turn is None:
            found.setdefault(label.response, []).append(label)
    overall = {id: [each for each in given if each.aspect is None] for id, given in found.items()}
    return {id: fmean(each.value for each in overall[id] or found[id]) for id in found}


def ranks_of(record: Record, scores: Mapping[str, float]) -> Iterator[dict[str, int]]:
    """Rank by response id, 1 the best, of each ranking, or of the ratings where there is none."""
    tiers = [label.tiers for label in record.rankings]
    if not tiers:
        steps = sorted(set(scores.values()), reverse=True)
        tiers = [[[id for id, score in scores.items() if score == step] for step in steps]]
    for tier_list in tiers:
        yield {id: rank for rank, tier in enumerate(tier_list, start=1) for id in tier}


def ranked(record: Record, ranks: Mapping[str, int], scores: Mapping[str, float]) -> dict[str, Any]:
    listed = [response for response in record.responses if response.id in ranks]
    return {
        "prompt": plain(record.messages),
        "responses": [only(turns_of(response))["content"] for response in listed],
        "scores": [scores.get(response.id) for response in listed],
        "ranks": [ranks[response.id] for response in listed],
    }
