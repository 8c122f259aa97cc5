"""LLaMA-Factory: sharegpt rows for preferences and KTO, with the dataset_info.json entry."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import orjson
import pyarrow as pa
import yaml

from service.export.layout import PairLayout, Place, Row, TrainingPair
from service.export.plain import PlainMessage, only, plain
from service.export.unary import once
from service.formats.record import Message, RowError
from service.formats.sharegpt import TO

TURN: Any = pa.struct([("from", pa.string()), ("value", pa.string())])
ODD, EVEN = ("user", "tool"), ("assistant",)
INFO = "dataset_info.json"


class LlamaFactory(PairLayout):
    """Rows that LLaMA-Factory would skip with a warning (roles out of turn) are refused here."""

    name: ClassVar[str] = "llamafactory"
    description: ClassVar[str] = "LLaMA-Factory preferences (DPO, ORPO, SimPO, reward): sharegpt"

    def features(self) -> Any:
        return pa.schema([("conversations", pa.list_(TURN)), ("chosen", TURN), ("rejected", TURN)])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            answers = {name: turn(only(getattr(pair, name))) for name in ("chosen", "rejected")}
            yield Row({"conversations": turns(pair.prompt), **answers}, pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        entry = {"ranking": True, "columns": columns("chosen", "rejected")}
        return config(place, entry, "dpo")


class LlamaFactoryKto(PairLayout):
    """With `deduplicate`, each answer of a prompt comes once, tagged as most of its rows are."""

    name: ClassVar[str] = "llamafactory_kto"
    description: ClassVar[str] = "LLaMA-Factory KTO: sharegpt with kto_tag, two rows a pair"

    deduplicate: bool = False

    def features(self) -> Any:
        return pa.schema([("conversations", pa.list_(TURN)), ("kto_tag", pa.bool_())])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        rows = (row for pair in pairs for row in two_rows(pair))
        return once(rows, "kto_tag") if self.deduplicate else rows

    def config_files(self, place: Place) -> dict[str, bytes]:
        return config(place, {"columns": columns("kto_tag")}, "kto")


def two_rows(pair: TrainingPair) -> Iterator[Row]:
    for answer, tag in ((pair.chosen, True), (pair.rejected, False)):
        said = [*turns(pair.prompt), turn(only(answer))]
        yield Row({"conversations": said, "kto_tag": tag}, pair.origin)


def turn(message: PlainMessage) -> dict[str, str]:
    return {"from": TO[message["role"]], "value": message["content"]}


def turns(prompt: Sequence[Message]) -> list[dict[str, str]]:
    """A system message first if at all, then user and assistant in turn, a user's last."""
    said = plain(prompt)
    roles = [message["role"] for message in said]
    if roles[:1] == ["system"]:
        roles = roles[1:]
    in_turn = all(role in (EVEN if index % 2 else ODD) for index, role in enumerate(roles))
    if not in_turn or len(roles) % 2 == 0:
        raise RowError("not_expressible", "LLaMA-Factory skips prompts out of turn", "prompt")
    return [turn(message) for message in said]


def columns(*names: str) -> dict[str, str]:
    return {"messages": "conversations"} | {name: name for name in names}


def config(place: Place, entry: dict[str, Any], stage: str) -> dict[str, bytes]:
    """An entry a file: a folder would mix the splits, which lie in one."""
    names = {
        split: [
            place.name + ("" if split == "train" else f"_{split}") + (f"_{i}" if i else "")
            for i in range(len(files))
        ]
        for split, files in place.files.items()
    }
    info = {
        name: {"file_name": path, "formatting": "sharegpt", **entry}
        for split, files in place.files.items()
        for name, path in zip(names[split], files, strict=True)
    }
    run: dict[str, Any] = {"stage": stage, "dataset_dir": ".", "dataset": ",".join(names["train"])}
    if "test" in names:
        run["eval_dataset"] = ",".join(names["test"])
    if place.max_length is not None:
        run["cutoff_len"] = place.max_length
    return {
        INFO: orjson.dumps(info, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        "llamafactory.yaml": yaml.safe_dump(run, sort_keys=False).encode(),
    }
