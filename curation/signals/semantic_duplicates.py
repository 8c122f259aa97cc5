"""Which pairs mean nearly the same, by the vectors of their texts, and what all their votes say."""

from typing import ClassVar, Literal

from pydantic import Field

from curation.grouping.duplicates import Rule, Unit
from curation.grouping.membership import FACTS, learn
from curation.items import Pairs, View
from curation.signals.embedding import Embedding
from curation.signals.near_duplicates import OUTPUTS, members
from curation.signals.signal import Fit, Level, Output, Scores, Signal


class SemanticDuplicates(Signal):
    """As `near_duplicates`, where two texts are one if the cosine of their vectors >= threshold.

    It finds paraphrases, and joins what differs in a number or a name only: look at some groups
    before a gate trusts it.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (View.prompt, View.chosen, View.rejected)
    facts: ClassVar[tuple[str, ...]] = FACTS
    outputs: ClassVar[tuple[Output, ...]] = OUTPUTS

    kind: Literal["semantic_duplicates"] = "semantic_duplicates"
    embedder: Embedding = Field(default_factory=Embedding)
    unit: Unit = Unit.pair
    threshold: float = Field(default=0.95, ge=0.5, le=1, description="cosine")
    apart: tuple[str, ...] = Field(
        default=(), description="ids of pairs or prompts that are in no group", max_length=10_000
    )

    def fit(self, items: Pairs) -> Fit:
        rule = Rule("embedding", self.threshold)
        return Fit(*learn(items, self.unit, rule, frozenset(self.apart)))

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        return members(items, fit, self.unit)
