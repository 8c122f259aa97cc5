"""How well a prompt is written: plain rules and its likelihood under a small language model."""

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from curation.items import Floats, Prompts
from curation.signals.signal import OK, Column, Fit, Level, Output, Scores, Signal

WORD = re.compile(r"\w+")
RUN = re.compile(r"(\S)\1{5,}")
UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")


class PromptQuality(Signal):
    """√(rules × σ((log p − midpoint) / spread)), 0 bad … 1 good; higher = better prompt.

    `rules` is the mean of seven plain checks, `log_likelihood` the mean log p per token of the
    first `max_tokens`. Where no language model is installed, `rules` is there and the other two are
    missing (model_missing): a `quality` by rules alone would be another number by the same name.
    The model is small: it tells gibberish from language, and little more.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.prompt
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("quality", 0, 1, "share", "high = well-formed and fluent"),
        Output("rules", 0, 1, "share", "high = passes the plain checks"),
        Output("log_likelihood", -np.inf, 0, "nat per token", "high = fluent"),
    )

    kind: Literal["prompt_quality"] = "prompt_quality"
    model: str = Field(default="SmolLM2-135M-Instruct", description="causal language model")
    max_tokens: int = Field(default=64, ge=8)
    midpoint: float = Field(
        default=-6.0, description="log p per token at which likelihood counts half"
    )
    spread: float = Field(default=1.0, gt=0)
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def score(self, items: Prompts, fit: Fit | None = None) -> Scores:
        empty = np.array([not text.strip() for text in items.texts], np.bool_)
        kept = np.flatnonzero(~empty)
        texts = [items.texts[i] for i in kept.tolist()]
        followed, likely = np.full(len(items), np.nan), np.full(len(items), np.nan)
        followed[kept] = [rules(text) for text in texts]
        found = self.likelihood(texts)
        if found is not None:
            likely[kept] = found
        missing = "model_missing" if found is None else "no_token"
        status = np.where(empty, "empty_text", np.where(np.isfinite(likely), OK, missing))
        quality = np.sqrt(followed * expit((likely - self.midpoint) / self.spread))
        return Scores(
            {
                "quality": Column(quality, status.astype(np.str_)),
                "rules": Column.of(followed, "empty_text"),
                "log_likelihood": Column(likely, status.astype(np.str_)),
            }
        )

    def likelihood(self, texts: Sequence[str]) -> Floats | None:
        """Mean log p per token, or None where the model is not installed."""
        from curation.models.language_model import ModelMissing, log_likelihood

        try:
            found = log_likelihood(texts, self.model, self.max_tokens, self.dtype, self.device)
        except ModelMissing:
            return None
        return found.mean_log_p


def rules(text: str) -> float:
    """The share of seven checks that a text which is not blank passes."""
    words = [word.lower() for word in WORD.findall(text)]
    visible = sum(not character.isspace() for character in text)
    letters = sum(map(str.isalpha, text))
    upper = sum(map(str.isupper, text))
    checks = (
        len(words) >= 3,
        len(text) <= 20_000,
        letters >= 0.6 * visible,
        upper <= 0.5 * max(letters, 1),
        len(set(words)) >= 0.3 * len(words),
        RUN.search(text) is None,
        UNPRINTABLE.search(text) is None,
    )
    return sum(checks) / len(checks)
