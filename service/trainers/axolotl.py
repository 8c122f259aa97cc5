"""Axolotl: chat_template.default rows for DPO, with the yaml that loads them."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pyarrow as pa
import yaml

from service.export.layout import PairLayout, Place, Row, TrainingPair
from service.export.plain import MESSAGE, MESSAGES, only, plain

KIND = "chat_template.default"


class Axolotl(PairLayout):
    """Any further column reaches TRL inside Axolotl and fails there (its issue 2415)."""

    name: ClassVar[str] = "axolotl"
    description: ClassVar[str] = "Axolotl DPO and IPO: messages, chosen, rejected"
    finds_answers_by_text: ClassVar[bool] = True

    def features(self) -> Any:
        return pa.schema([("messages", MESSAGES), ("chosen", MESSAGE), ("rejected", MESSAGE)])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            answers = {name: only(getattr(pair, name)) for name in ("chosen", "rejected")}
            yield Row({"messages": plain(pair.prompt), **answers}, pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        found: dict[str, Any] = {"rl": "dpo", "chat_template": "tokenizer_default"}
        found["datasets"] = [entry(path) for path in place.files["train"]]
        if "test" in place.files:
            found["test_datasets"] = [entry(path) for path in place.files["test"]]
        if place.max_length is not None:
            found["sequence_len"] = place.max_length
        return {"axolotl.yaml": yaml.safe_dump(found, sort_keys=False).encode()}


def entry(path: str) -> dict[str, Any]:
    roles = {role: [role] for role in ("user", "assistant", "system", "tool")}
    return {
        "path": path,
        "ds_type": "parquet",
        "split": "train",  # the only one of a file
        "type": KIND,
        "field_messages": "messages",
        "field_chosen": "chosen",
        "field_rejected": "rejected",
        "message_property_mappings": {"role": "role", "content": "content"},
        "roles": roles,
    }
