"""A request for a subset, checked: the recipe as it will run, and what it is selected from."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.orm import Session

from curation.misfits import in_words, nearest
from curation.recipes import RECIPES, Budget, Recipe
from curation.signals import SIGNALS
from service.composing.asked import COMBINED, Asked
from service.composing.costs import tokenizer_use
from service.composing.pool import policy_of
from service.errors import Invalid
from service.export.everything import RECIPE_ID
from service.filters.forms import to_text
from service.filters.query import Query, Where
from service.queue import enqueue
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Subset

PAIRS_STAGE = "pairs"
STAGES = ["embed", "score", "fit", "shards", "select"]
KINDS = frozenset(SIGNALS)  # pydantic names them as if they were fields
RESERVED = (COMBINED, RECIPE_ID)


class Wanted(NamedTuple):
    recipe: Recipe
    asked: Asked
    budget: str
    seed: int
    tags: Sequence[str]

    def subset(self, dataset: Dataset) -> Subset:
        """Pending, and of no session yet."""
        return Subset(
            id=uuid.uuid4(),
            dataset_id=dataset.id,
            recipe=self.recipe.model_dump(mode="json"),
            recipe_sha256=self.recipe.sha256(),
            asked=self.asked.model_dump(mode="json", exclude_defaults=True),
            tags=[*self.tags],
            budget=self.budget,
            seed=self.seed,
            state="pending",
        )


def recipe_named(given: str | Recipe) -> Recipe:
    """Never a file of the server: a request can't name a path."""
    if isinstance(given, Recipe):
        if given.id in RESERVED:
            raise Invalid(f"no recipe can be called {given.id!r}", code="reserved_id")
        return given
    if given not in RECIPES:
        known = sorted(RECIPES)
        detail = f"there is no recipe {given!r}; {nearest(given, known)}"
        raise Invalid(detail, code="unknown_recipe", known=known)
    return RECIPES[given]


def with_signals(recipe: Recipe, changes: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """The recipe with fields of its signals changed, or signals added. Raises Invalid."""
    if not changes:
        return recipe
    body = recipe.model_dump(mode="json")
    for name, fields in changes.items():
        if name not in recipe.signals and "kind" not in fields:
            there = nearest(name, [*recipe.signals])
            detail = f"the recipe has no signal {name!r}; {there}; a new one is given a kind"
            raise Invalid(detail, code="bad_signals", field="signals")
        body["signals"][name] = {**body["signals"].get(name, {}), **fields}
    try:
        return Recipe.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in KINDS)
        raise Invalid(f"{place}: {in_words(first)}", code="bad_signals", field=place) from None


def budget_of(text: str | None, price: str | None, recipe: Recipe) -> str:
    """Raises Invalid `bad_budget`."""
    try:
        return str(Budget.parse(text or recipe.budget, price))
    except ValueError as error:
        raise Invalid(str(error), code="bad_budget", field="budget") from None


def asked_for(
    session: Session,
    dataset_id: uuid.UUID,
    where: Where,
    policy: dict[str, Any] | None,
    seeds: Sequence[int],
    tokenizer: str | None,
) -> Asked:
    """Raises BadFilter, ModelNotAllowed."""
    tree = Query(session, dataset_id, where).tree
    return Asked(
        where=None if tree is None else to_text(tree),
        policy=policy,
        seeds=tuple(seeds) if len(seeds) > 1 else (),
        tokenizer=tokenizer_use(tokenizer) if tokenizer else None,
    )


def start(session: Session, dataset: Dataset, subset: Subset, stages: Sequence[str]) -> Job:
    """Store the subset with the job that fills it."""
    spec = {"subset_id": str(subset.id), "recipe": subset.recipe["id"], "budget": subset.budget}
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.select,
        spec=spec,
        stages=[*stages],
    )
    enqueue(session, job)
    subset.job_id = job.id
    session.add(subset)
    session.flush()
    session.refresh(subset)
    return job


def stages_of(subset: Subset) -> list[str]:
    return [PAIRS_STAGE, *STAGES] if policy_of(subset) else STAGES
