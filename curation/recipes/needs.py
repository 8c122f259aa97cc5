"""What a recipe needs besides texts, and whether it runs with what there is."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class What(StrEnum):
    """Models that an installation has, and what the labels and texts of a dataset hold."""

    judge = "judge"
    reward_model = "reward_model"
    generator = "generator"
    language_model = "language_model"

    pairs = "pairs"  # decided by the labels
    gold = "gold"  # records with a verified answer
    comparisons = "comparisons"
    ratings = "ratings"  # of whole responses, thumbs left out
    rankings = "rankings"
    unary = "unary"  # thumbs
    scores = "scores"  # records with scores that a model gave
    log_probs = "log_probs"  # of responses, under the policy
    annotators = "annotators"  # with a name
    several_labels = "several_labels"  # pairs that two or more judged
    human_and_model = "human_and_model"  # pairs that people and models judged
    feedback = "feedback"  # labels of what a user's turn says
    chat = "chat"  # prompts with an earlier answer in them
    images = "images"  # responses
    models = "models"  # responses that say which model wrote them
    source = "source"  # records that name where they come from
    language = "language"


INSTALLED = frozenset({What.judge, What.reward_model, What.generator, What.language_model})


class Need(BaseModel):
    """`without` says what happens where there is none: the recipe then runs degraded. None: it is
    refused (`recipe_needs`)."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )

    what: What
    purpose: str = Field(alias="for", min_length=1)
    without: str | None = Field(default=None, min_length=1)
    least: int = Field(default=1, ge=1, description="so many of them")

    @property
    def of_installation(self) -> bool:
        return self.what in INSTALLED

    def __str__(self) -> str:
        return str(self.what) if self.least == 1 else f"{self.what} >= {self.least}"


class Runs(NamedTuple):
    """`str` of it: "full", "degraded" or "needs:[judge, …]"."""

    missing: tuple[Need, ...]
    degraded: tuple[Need, ...]

    def __str__(self) -> str:
        if self.missing:
            return f"needs:[{', '.join(map(str, self.missing))}]"
        return "degraded" if self.degraded else "full"

    def sentences(self) -> tuple[str, ...]:
        """What a degraded run does instead."""
        return tuple(f"{need}: {need.without}" for need in self.degraded)

    def refusal(self) -> str:
        """Why it can't run, in words."""
        return "; ".join(f"it needs {need} ({need.purpose})" for need in self.missing)


def runs(needs: Sequence[Need], present: Mapping[What, int]) -> Runs:
    """`present`: how many of each there are. What it does not name is not known, and held to be
    there: a catalogue without a dataset says what the installation allows."""
    absent = [need for need in needs if present.get(need.what, need.least) < need.least]
    return Runs(
        tuple(need for need in absent if need.without is None),
        tuple(need for need in absent if need.without is not None),
    )
