"""A request for advice on a dataset, checked: what is compared, on what, and for how long."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from curation.recipes import Budget, Recipe
from service.composing.wanted import recipe_named
from service.errors import Invalid
from service.queue import enqueue
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind

SAMPLE, EMBED, PICK, SCORE, COMPARE = STAGES = ["sample", "embed", "pick", "score", "compare"]


class Asked(BaseModel):
    """`recipes` by name, None for all that apply; `against`: ids of subsets of the dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: str
    seconds: float
    seeds: list[int]
    splits: int
    recipes: dict[str, Recipe] | None = None
    against: list[uuid.UUID] = Field(default_factory=list[uuid.UUID])

    @property
    def units(self) -> list[tuple[int, int]]:
        """(seed, split), one seed after the other."""
        return [(seed, number) for seed in self.seeds for number in range(self.splits)]


def asked_of(job: Job) -> Asked:
    return Asked.model_validate(job.spec)


def recipes_named(given: Sequence[str | Recipe]) -> dict[str, Recipe] | None:
    """By name. Raises Invalid: unknown, or two of one name."""
    found = [recipe_named(each) for each in given]
    names = [recipe.id for recipe in found]
    if len(set(names)) < len(names):
        twice = sorted(name for name in set(names) if names.count(name) > 1)
        detail = f"recipes are told apart by their ids: {', '.join(twice)} twice"
        raise Invalid(detail, code="same_id", field="recipes")
    return {recipe.id: recipe for recipe in found} or None


def budget_of(text: str) -> str:
    """Raises Invalid `bad_budget`: also for tokens, of which a split keeps another number."""
    try:
        budget = Budget.parse(text)
    except ValueError as error:
        raise Invalid(str(error), code="bad_budget", field="budget") from None
    if budget.token_limit is not None:
        detail = f"recipes are compared at a number of pairs, or a share: {text!r} counts tokens"
        raise Invalid(detail, code="bad_budget", field="budget")
    return str(budget)


def start(session: Session, dataset: Dataset, asked: Asked) -> Job:
    spec: Mapping[str, Any] = asked.model_dump(mode="json")
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.advise,
        spec=dict(spec),
        stages=[*STAGES],
    )
    enqueue(session, job)
    return job
