"""What sets the chosen response apart in form: a probe for length and format bias."""

from typing import ClassVar, Literal

import numpy as np

from curation.items import Pairs
from curation.models.style import COUNTS, counts
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal

COMPARED = ("words", "lists", "headers", "bold", "code_blocks", "questions", "refusals")


class Style(Signal):
    """Differences of form, above 0 where the chosen response has more; swapping changes the sign.

    `length_log_ratio` is log((1 + characters of chosen) / (1 + characters of rejected)), the others
    are (a − b) / (a + b) of counts, 0 where neither has any. Markdown is counted outside of fenced
    code, with the patterns of arena-hard-auto.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("length_log_ratio", -np.inf, np.inf, "nat", "high = the chosen one is longer"),
        *(
            Output(f"{name}_delta", -1, 1, "(a − b)/(a + b)", f"high = more {name} in the chosen")
            for name in COMPARED
        ),
    )

    kind: Literal["style"] = "style"

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        width = len(COUNTS)
        a = np.array([counts(text) for text in items.chosen], np.float64).reshape(-1, width)
        b = np.array([counts(text) for text in items.rejected], np.float64).reshape(-1, width)
        delta = (a - b) / np.maximum(a + b, 1)
        columns = {f"{name}_delta": Column.of(delta[:, COUNTS.index(name)]) for name in COMPARED}
        length = COUNTS.index("characters")
        ratio = np.log1p(a[:, length]) - np.log1p(b[:, length])
        return Scores({"length_log_ratio": Column.of(ratio), **columns})
