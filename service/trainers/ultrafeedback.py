"""The columns of ultrafeedback_binarized, which many recipes and scripts expect."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from service.export.layout import PairLayout, Row, TrainingPair
from service.export.plain import MESSAGES, plain
from service.formats.record import Message


class UltrafeedbackBinarized(PairLayout):
    """`prompt` is the last user's text; chosen, rejected and messages are whole dialogues.

    A score is null where the pair has none.
    """

    name: ClassVar[str] = "ultrafeedback_binarized"
    description: ClassVar[str] = "UltraFeedback-binarized: whole dialogues with scores"

    def features(self) -> Any:
        return pa.schema(
            [
                ("prompt", pa.string()),
                ("prompt_id", pa.string()),
                ("chosen", MESSAGES),
                ("rejected", MESSAGES),
                ("messages", MESSAGES),
                ("score_chosen", pa.float64()),
                ("score_rejected", pa.float64()),
            ]
        )

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            chosen = plain([*pair.prompt, *pair.chosen])
            values = {
                "prompt": asked(pair.prompt),
                "prompt_id": pair.prompt_id,
                "chosen": chosen,
                "rejected": plain([*pair.prompt, *pair.rejected]),
                "messages": chosen,
                "score_chosen": pair.score_chosen,
                "score_rejected": pair.score_rejected,
            }
            yield Row(values, pair.origin)


def asked(prompt: Sequence[Message]) -> str:
    said = [message["content"] for message in plain(prompt) if message["role"] == "user"]
    return said[-1] if said else ""
