"""Makes subsets: by a recipe from what a filter and a policy keep, or out of other subsets."""

import uuid
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from curation.recipes import Recipe
from service.auth import WorkspaceDep
from service.composing import combining
from service.composing.asked import Asked, Operation, TokenizerUse
from service.composing.previewing import look
from service.composing.wanted import (
    Wanted,
    asked_for,
    budget_of,
    recipe_named,
    stages_of,
    start,
    with_signals,
)
from service.db import SessionDep
from service.errors import Conflict, Invalid
from service.labels.disposal import delete_export_files
from service.labels.holdings import refuse_unmet
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.owned import owned
from service.routes.pair_builds import NamedOrWhole, chosen_policy
from service.routes.subsets import SubsetCreated, SubsetDep, SubsetOut
from service.tables.datasets import Dataset
from service.tables.jobs import FINAL_STATES, Job
from service.tables.subsets import Export, Subset

router = APIRouter(prefix="/api/v1", tags=["subsets"], route_class=IdempotentRoute)

MAX_SEED = 2**31 - 1
Seed: TypeAlias = Annotated[int, Field(ge=0, le=MAX_SEED)]
Tag: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[\w .:/+-]{1,60}$", strip_whitespace=True)
]
Tags: TypeAlias = Annotated[
    list[Tag], Field(max_length=20, description="names of your own", examples=[["baseline"]])
]
Parents: TypeAlias = Annotated[list[uuid.UUID], Field(min_length=2, max_length=20)]


class SubsetIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"recipe": "fifa", "budget": "10%", "seed": 0},
                {"recipe": "fifa", "budget": "2M tokens", "where": "votes >= 2", "tags": ["clear"]},
            ]
        },
    )

    recipe: str | Recipe = Field(description="the id of a known recipe, or a whole recipe")
    signals: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="fields of the recipe's signals, by their name, in place of its own",
        examples=[{"margin": {"bootstraps": 20}}],
    )
    where: str | dict[str, Any] | None = Field(
        default=None,
        description="a filter, text or tree: only pairs that it keeps can be selected",
        examples=["votes >= 2 AND chosen.length < 2000"],
    )
    policy: NamedOrWhole | None = Field(
        default=None,
        description="a pair policy: only pairs that it builds can be selected; else the recipe's",
    )
    budget: str | None = Field(
        default=None,
        description="`10%` of the pairs that can be selected, `500` pairs, `2M tokens`, or "
        "`$50 at $2 per 1M tokens`; the recipe's own if left out",
    )
    price: str | None = Field(
        default=None,
        description="of a budget in dollars that names none",
        examples=["$0.05 per pair"],
    )
    tokenizer: str | TokenizerUse | None = Field(
        default=None, description="counts the tokens of a budget; else bytes of UTF-8 / 4"
    )
    seed: Seed = 0
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=20)] | None = Field(
        default=None,
        description="several: the subset is that of the first, with how often each pair is kept",
        examples=[[0, 1, 2, 3, 4]],
    )
    tags: Tags = Field(default_factory=list)
    preview: bool = Field(default=False, description="only count what it would take and keep")

    @model_validator(mode="after")
    def one_first_seed(self) -> "SubsetIn":
        seeds = self.all_seeds
        if len(set(seeds)) < len(seeds):
            raise ValueError("the same seed twice says nothing about stability")
        if "seed" in self.model_fields_set and self.seed != seeds[0]:
            raise ValueError("give `seed` or `seeds`")
        return self

    @property
    def all_seeds(self) -> list[int]:
        return self.seeds or [self.seed]


class KeepsOut(BaseModel):
    """null where it takes the pairs to know."""

    pairs: int | None
    tokens: int | None
    tokens_counted_by: str
    dollars: float | None


class ToScoreOut(BaseModel):
    name: str
    kind: str
    level: str
    items: int = Field(description="pairs or prompts of the dataset, or pairs with texts")
    missing: int = Field(description="of them without a score; of texts, those without a vector")
    texts: int = Field(description="to embed, estimated")
    seconds: float | None = Field(description="of one CPU thread, estimated; null: not known")


class SubsetPreview(BaseModel):
    candidates: int = Field(description="pairs before the filter")
    pairs: int | None = Field(
        description="that can be selected; null where they are built first and filtered then"
    )
    pairs_are_built: bool = Field(description="false: the numbers are those of a trial of 20,000")
    refused: dict[str, int] = Field(description="why others can't be", examples=[{"tie": 3}])
    keeps: KeepsOut
    signals: list[ToScoreOut]
    seconds: float | None


class CombineIn(BaseModel):
    """Exactly one of the three."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"union": [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]}]},
    )

    union: Parents | None = Field(default=None, description="in any of them, the first's first")
    minus: Parents | None = Field(default=None, description="in the first and in no other")
    intersect: Parents | None = Field(default=None, description="in all of them")
    tags: Tags = Field(default_factory=list)

    @model_validator(mode="after")
    def one_operation(self) -> "CombineIn":
        given = [each for each in (self.union, self.minus, self.intersect) if each is not None]
        if len(given) != 1:
            raise ValueError("give one of union, minus and intersect")
        if len(set(given[0])) < len(given[0]):
            raise ValueError("a subset is named twice")
        return self

    @property
    def asked(self) -> tuple[Operation, list[uuid.UUID]]:
        if self.union is not None:
            return "union", self.union
        return (
            ("minus", self.minus) if self.minus is not None else ("intersect", self.intersect or [])
        )


class TagsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tags: Tags


@router.post(
    "/datasets/{dataset_id}/subsets",
    status_code=202,
    responses={200: {"model": SubsetPreview}},
    response_model=SubsetCreated | SubsetPreview,
)
def create_subset(
    body: SubsetIn, dataset: DatasetDep, session: SessionDep, response: Response
) -> dict[str, Any]:
    """Build the pairs of the policy, compute the scores that are missing, then select.

    With `preview` count what that would take (200, nothing is made)."""
    wanted = wanted_of(session, dataset, body)
    subset = wanted.subset(dataset)
    if body.preview:
        refuse_unmet(session, dataset.id, wanted.recipe)
        response.status_code = 200
        return look(session, dataset.workspace_id, subset, wanted.recipe)
    job = start(session, dataset, subset, stages_of(subset))
    return {"subset": subset, "job": job}


def wanted_of(session: Session, dataset: Dataset, body: SubsetIn) -> Wanted:
    recipe = with_signals(recipe_named(body.recipe), body.signals)
    policy = None
    if body.policy is not None:
        policy = chosen_policy(session, dataset, body.policy).policy.model_dump(mode="json")
    named = body.tokenizer
    tokenizer = named.name if isinstance(named, TokenizerUse) else named
    asked = asked_for(session, dataset.id, body.where, policy, body.all_seeds, tokenizer)
    budget = budget_of(body.budget, body.price, recipe)
    return Wanted(recipe, asked, budget, body.all_seeds[0], body.tags)


@router.post("/subsets/combine", status_code=202, response_model=SubsetCreated)
def combine_subsets(
    body: CombineIn, session: SessionDep, workspace: WorkspaceDep
) -> dict[str, Any]:
    """A new subset out of others of the same dataset, in the order of the first."""
    operation, ids = body.asked
    parents = [owned(session, workspace, Subset, id) for id in ids]
    refuse_strangers(parents)
    recipe = combining.recipe_of(operation, parents)
    asked = Asked(parents=tuple(str(id) for id in ids))
    subset = Subset(
        id=uuid.uuid4(),
        dataset_id=parents[0].dataset_id,
        recipe=recipe,
        recipe_sha256=combining.digest(recipe),
        asked=asked.model_dump(mode="json", exclude_defaults=True),
        tags=body.tags,
        budget="100%",
        seed=0,
        state="pending",
    )
    dataset = session.get_one(Dataset, subset.dataset_id)
    return {"job": start(session, dataset, subset, ["select"]), "subset": subset}


def refuse_strangers(parents: list[Subset]) -> None:
    if len({parent.dataset_id for parent in parents}) > 1:
        raise Invalid("the subsets are of different datasets", code="other_dataset")
    for parent in parents:
        if parent.state != "ready":
            detail = f"subset {parent.id} is {parent.state}, not ready"
            raise Conflict(detail, code="subset_not_ready")
        if combining.is_whole(parent):
            detail = f"subset {parent.id} stands for an export of a whole dataset"
            raise Invalid(detail, code="no_recipe")


@router.patch("/subsets/{subset_id}", response_model=SubsetOut)
def tag_subset(body: TagsIn, subset: SubsetDep) -> Subset:
    """New tags in place of the old ones; nothing else of a subset ever changes."""
    subset.tags = body.tags
    return subset


@router.delete("/subsets/{subset_id}", status_code=204)
def delete_subset(subset: SubsetDep, session: SessionDep) -> None:
    """With its exports and their files; 409 while a job works on it or compares another with it.
    Subsets made out of it stay."""
    exports = select(Export.job_id).where(Export.subset_id == subset.id)
    against = Job.spec.contains({"against": [str(subset.id)]})
    busy = select(Job.id).where(
        Job.dataset_id == subset.dataset_id,
        Job.state.not_in(FINAL_STATES),
        (Job.spec["subset_id"].astext == str(subset.id)) | against | Job.id.in_(exports),
    )
    jobs = sorted(str(id) for id in session.scalars(busy))
    if jobs:
        raise Conflict(f"subset {subset.id} is in use", code="subset_in_use", jobs=jobs)
    made = select(Export).where(Export.subset_id == subset.id)
    delete_export_files(session, session.scalars(made).all())
    session.execute(delete(Subset).where(Subset.id == subset.id))
