"""A text as a vector: what novelty, diversity and the reward heads are computed from."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.items import Texts
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal


class Embedding(Signal):
    """Unit vector of a text under a sentence-transformers model; says whether the text was cut.

    Where prefix and body do not fit, the prefix is cut on its left: the body always fits, unless
    it is too long by itself. An empty text has the vector that the model gives to it. `dtype: auto`
    is bfloat16 where the hardware computes it (cosine with float32 at least .996).
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.text
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("truncated", 0, 1, "flag", "1 = the text did not fit and was cut"),
    )

    kind: Literal["embedding"] = "embedding"
    model: str = Field(default="all-MiniLM-L6-v2", description="name or folder of the model")
    revision: str | None = None
    max_tokens: int | None = Field(
        default=None, ge=8, description="the model's own limit where missing"
    )
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def score(self, items: Texts, fit: Fit | None = None) -> Scores:
        from curation.models.embedder import embed

        embedded = embed(items, self.model, self.revision, self.max_tokens, self.dtype, self.device)
        truncated = Column.of(embedded.truncated.astype(np.float64))
        return Scores({"truncated": truncated}, embedded.vectors)
