"""How long a prompt is: for gates, as those of prompts that ask for nearly nothing."""

from typing import ClassVar, Literal

import numpy as np

from curation.items import Prompts
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal


class PromptLength(Signal):
    """Characters and words of the prompt as text, spaces around it left out."""

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.prompt
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("characters", 0, np.inf, "count", "high = long"),
        Output("words", 0, np.inf, "count", "high = long"),
    )

    kind: Literal["prompt_length"] = "prompt_length"

    def score(self, items: Prompts, fit: Fit | None = None) -> Scores:
        texts = [text.strip() for text in items.texts]
        return Scores(
            {
                "characters": Column.of(np.array([len(text) for text in texts], np.float64)),
                "words": Column.of(np.array([len(text.split()) for text in texts], np.float64)),
            }
        )
