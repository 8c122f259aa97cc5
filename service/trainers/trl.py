"""TRL: preference (DPO and relatives), reward models, unpaired (KTO, BCO), stepwise, prompts."""

from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import PurePosixPath
from typing import Any, ClassVar

import pyarrow as pa
import yaml

from service.export.layout import (
    PairLayout,
    Place,
    RecordLayout,
    Row,
    TrainingPair,
    TrainingRecord,
    counted,
)
from service.export.plain import MESSAGES, plain
from service.export.unary import once
from service.formats import FORMATS
from service.formats.record import Record, RowError


class TrlPreference(PairLayout):
    name: ClassVar[str] = "trl_preference"
    description: ClassVar[str] = "TRL preference pairs, for DPO and relatives"

    def features(self) -> Any:
        return pa.schema([("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES)])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            yield Row(three_columns(pair), pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        return {"trl_dpo.yaml": script(place)}


class TrlReward(PairLayout):
    """`margin` adds the column that TRL subtracts from the difference of rewards."""

    name: ClassVar[str] = "trl_reward"
    description: ClassVar[str] = "TRL reward modelling, with a margin a pair where asked for"
    takes_margin: ClassVar[bool] = True

    margin: bool = False

    def features(self) -> Any:
        found = [("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES)]
        return pa.schema([*found, ("margin", pa.float64())] if self.margin else found)

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            values = three_columns(pair)
            yield Row(values | margin_of(pair) if self.margin else values, pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        return {"trl_reward.yaml": script(place)}


class TrlUnpaired(PairLayout):
    """C10 of the catalogue: a pair is two rows, chosen desirable and rejected not.

    With `deduplicate`, each answer of a prompt comes once, labelled as most of its rows are. With
    `weights`, a column for trainers of one's own (W03): 1 for desirable rows, for others what the
    recipe's output `rejected_weight` says; TRL itself does not read it.
    """

    name: ClassVar[str] = "trl_unpaired"
    description: ClassVar[str] = "TRL unpaired preference (KTO, BCO): two rows a pair"

    deduplicate: bool = False
    weights: bool = False

    def features(self) -> Any:
        found = unpaired_features()
        return found.append(pa.field("weight", pa.float64())) if self.weights else found

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        rows = (row for pair in pairs for row in two_rows(pair, weights=self.weights))
        return once(rows, "label") if self.deduplicate else rows

    def config_files(self, place: Place) -> dict[str, bytes]:
        return {"trl_kto.yaml": script(place)}


class TrlThumbs(RecordLayout):
    """Responses that were given a thumb themselves; those without one are left out.

    With `deduplicate`, each comes once, labelled as most of its thumbs are.
    """

    name: ClassVar[str] = "trl_thumbs"
    description: ClassVar[str] = "TRL unpaired preference (KTO, BCO) from thumbs, a row each"

    deduplicate: bool = False

    def features(self) -> Any:
        return unpaired_features()

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        rows = (row for each in records for row in thumb_rows(each))
        return once(rows, "label") if self.deduplicate else rows

    def config_files(self, place: Place) -> dict[str, bytes]:
        return {"trl_kto.yaml": script(place)}


class TrlStepwise(RecordLayout):
    """Steps with a right-or-wrong label each; a response with an unlabelled step is left out."""

    name: ClassVar[str] = "trl_stepwise"
    description: ClassVar[str] = "TRL stepwise supervision, for process reward models"
    read_by: ClassVar[str | None] = "trl_stepwise"

    def features(self) -> Any:
        texts, flags = pa.list_(pa.string()), pa.list_(pa.bool_())
        return pa.schema([("prompt", pa.string()), ("completions", texts), ("labels", flags)])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for row in FORMATS["trl_stepwise"].write(each.record):
                if not isinstance(row["prompt"], str):
                    raise RowError("not_expressible", "a stepwise prompt is one text", "prompt")
                if None not in row["labels"]:
                    yield Row({name: row[name] for name in self.columns}, each.origin)

    def leaves_out(self, record: Record) -> dict[str, int]:
        """The labels of responses with a step that has none."""
        rows = FORMATS["trl_stepwise"].write(record)
        gaps = (row["labels"] for row in rows if None in row["labels"])
        return counted({"ratings": sum(len(row) - row.count(None) for row in gaps)})


class TrlPrompts(PairLayout):
    name: ClassVar[str] = "trl_prompts"
    description: ClassVar[str] = "TRL prompts only (GRPO, RLOO, online DPO): each prompt once"
    holds_answers: ClassVar[bool] = False

    def features(self) -> Any:
        return pa.schema([("prompt", MESSAGES)])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        seen: set[str] = set()
        for pair in pairs:
            if pair.prompt_id not in seen:
                seen.add(pair.prompt_id)
                yield Row({"prompt": plain(pair.prompt)}, pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        return {"trl_grpo.yaml": script(place, with_length=False)}


def two_rows(pair: TrainingPair, *, weights: bool = False) -> Iterator[Row]:
    undesirable = 1.0 if pair.rejected_weight is None else pair.rejected_weight
    for completion, label in ((pair.chosen, True), (pair.rejected, False)):
        values: dict[str, Any] = {"prompt": plain(pair.prompt), "completion": plain(completion)}
        weight = {"weight": 1.0 if label else undesirable} if weights else {}
        yield Row(values | {"label": label} | weight, pair.origin)


def thumb_rows(given: TrainingRecord) -> Iterator[Row]:
    for row in FORMATS["trl_unpaired"].write(given.record):
        if row["label"] is not None:
            said = {name: plain(row[name]) for name in ("prompt", "completion")}
            yield Row({**said, "label": row["label"]}, given.origin)


def three_columns(pair: TrainingPair) -> dict[str, Any]:
    names = ("prompt", "chosen", "rejected")
    return {name: plain(getattr(pair, name)) for name in names}


def unpaired_features() -> Any:
    columns = [("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_())]
    return pa.schema(columns)


def margin_of(pair: TrainingPair) -> dict[str, float]:
    """A column of margins has no gaps and no NaN: the whole batch would have no loss."""
    if pair.margin is None or not isfinite(pair.margin):
        raise RowError("not_expressible", "the pair has no margin", "margin")
    return {"margin": pair.margin}


def script(place: Place, *, with_length: bool = True) -> bytes:
    """The data's part of what `trl dpo --config` (reward, kto, grpo) reads, run in the folder."""
    # "." itself has no name, which `datasets` asks for
    folder = PurePosixPath(place.files["train"][0]).parent
    found: dict[str, Any] = {"dataset_name": f"./{folder}", "dataset_train_split": "train"}
    if "test" in place.files:
        found |= {"dataset_test_split": "test", "eval_strategy": "steps"}
    if with_length and place.max_length is not None:
        found["max_length"] = place.max_length
    return yaml.safe_dump(found, sort_keys=False).encode()
