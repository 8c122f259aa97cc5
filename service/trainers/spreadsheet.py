"""CSV, for people and for tools that read nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import orjson
import pyarrow as pa

from service.export.layout import FileKind, PairLayout, Row, TrainingPair
from service.export.plain import plain
from service.formats.record import Message

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of one


class Csv(PairLayout):
    """One text a cell; a dialogue, or an answer of several messages, is its JSON.

    `neutralise` puts ' before a cell that a spreadsheet would run as a formula. It changes the
    text, so it is for reading only.
    """

    name: ClassVar[str] = "csv"
    description: ClassVar[str] = "CSV, a row a pair, with margin, weight and soft label"
    file_kind: ClassVar[FileKind] = "csv"
    takes_weight: ClassVar[bool] = True
    takes_margin: ClassVar[bool] = True
    takes_soft_label: ClassVar[bool] = True

    neutralise: bool = False

    def features(self) -> Any:
        texts = ("pair_id", "prompt_id", "prompt", "chosen", "rejected")
        numbers = ("margin", "weight", "soft_label")
        columns = [(name, pa.string()) for name in texts]
        return pa.schema([*columns, *((name, pa.float64()) for name in numbers)])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            texts = {
                "pair_id": pair.pair_id,
                "prompt_id": pair.prompt_id,
                "prompt": cell(pair.prompt, "user"),
                "chosen": cell(pair.chosen, "assistant"),
                "rejected": cell(pair.rejected, "assistant"),
            }
            if self.neutralise:
                texts = {name: harmless(text) for name, text in texts.items()}
            numbers = {name: getattr(pair, name) for name in ("margin", "weight", "soft_label")}
            yield Row(texts | numbers, pair.origin)


def cell(messages: Sequence[Message], role: str) -> str:
    said = plain(messages)
    if len(said) == 1 and said[0]["role"] == role:
        return said[0]["content"]
    return orjson.dumps(said).decode()


def harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
