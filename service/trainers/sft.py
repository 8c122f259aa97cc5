"""Supervised fine-tuning on the chosen answers (E05): whole dialogues, each once."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import orjson
import pyarrow as pa

from service.export.layout import PairLayout, Row, TrainingPair
from service.export.plain import MESSAGES, plain


class Sft(PairLayout):
    """An answer that is chosen in several pairs of its prompt leaves once, as its first pair.

    An answer that another pair rejects leaves, too: it was better than something.
    """

    name: ClassVar[str] = "sft"
    description: ClassVar[str] = "SFT on the chosen answers: messages, weight"
    takes_weight: ClassVar[bool] = True

    def features(self) -> Any:
        return pa.schema([("messages", MESSAGES), ("weight", pa.float64())])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        seen: set[bytes] = set()
        for pair in pairs:
            messages = [*plain(pair.prompt), *plain(pair.chosen)]
            digest = hashlib.blake2b(orjson.dumps(messages), digest_size=16).digest()
            if digest not in seen:
                seen.add(digest)
                yield Row({"messages": messages, "weight": pair.weight}, pair.origin)
