"""What this service knows: signals, recipes, data layouts. The same for everyone: no key needed."""

import inspect
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from curation.recipes import RECIPES, Recipe, What, runs
from curation.recipes.cost import cost
from curation.signals import SIGNALS, Signal
from service.config import settings
from service.db import SessionDep
from service.errors import NotFound
from service.filters.query import limited
from service.formats import FORMATS
from service.installation import installed
from service.labels.holdings import holdings
from service.routes.datasets import DatasetDep

COUNT_SECONDS = settings.query_seconds

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


class OutputOut(BaseModel):
    """A bound is left out (null) where the output has none."""

    name: str
    low: float | None
    high: float | None
    unit: str
    direction: str = Field(description="what a high value means")


class SignalOut(BaseModel):
    kind: str = Field(examples=["reward_margin"])
    version: int
    level: str = Field(description="what a cell belongs to: text, prompt or pair")
    whole_dataset: bool = Field(description="scores depend on the other rows")
    description: str
    outputs: list[OutputOut]
    parameters: dict[str, Any] = Field(description="JSON schema of the specification")


class NeedOut(BaseModel):
    """What a recipe needs besides texts."""

    what: What = Field(examples=["gold"])
    purpose: str = Field(serialization_alias="for")
    without: str | None = Field(description="what happens where it is missing; null: refused")
    least: int = Field(description="so many of them", examples=[200])
    present: int | None = Field(description="how many there are; null: not known without a dataset")


class CostOut(BaseModel):
    """Of one CPU thread, measured once on texts of about 700 characters: an order of magnitude."""

    texts: int = Field(description="texts a pair that are embedded, at most")
    seconds_per_1000_pairs: float
    seconds: float | None = Field(description="for the pairs of the dataset")


class RecipeLine(BaseModel):
    name: str = Field(examples=["fifa"])
    id: str = Field(description="the same as `name`")
    version: int
    title: str
    paper: str | None = Field(description="arXiv id", examples=["2410.10166"])
    budget: str
    sha256: str
    needs: list[NeedOut]
    gives: list[str] = Field(description="what an export has of it", examples=[["soft_label"]])
    cost: CostOut
    runs: str = Field(
        description="full, degraded or needs:[…], with what this installation has and, where one "
        "is named, the dataset",
        examples=["full", "degraded", "needs:[judge]"],
    )
    degraded: list[str] = Field(description="what a degraded run does instead")


class RecipeOut(RecipeLine):
    recipe: Recipe


class FormatOut(BaseModel):
    name: str
    description: str
    columns: list[str]


@router.get("/signals")
def list_signals() -> list[SignalOut]:
    """Every kind of score that a job or a recipe can ask for."""
    return signals()


@router.get("/recipes")
def list_recipes() -> list[RecipeLine]:
    """The recipes that come with prefsift; a request may also carry a whole recipe of its own."""
    return recipe_lines(installed())


@router.get("/datasets/{dataset_id}/recipes")
def list_recipes_for(dataset: DatasetDep, session: SessionDep) -> list[RecipeLine]:
    """The recipes, and whether each runs on what this dataset holds."""
    with limited(session, COUNT_SECONDS, "; previews of subsets count less"):
        held = holdings(session, dataset.id, What)
    return recipe_lines({**installed(), **held})


@router.get("/recipes/{recipe_id}")
def read_recipe(recipe_id: str) -> RecipeOut:
    """A recipe as it runs, with every default filled in."""
    recipe = RECIPES.get(recipe_id)
    if recipe is None:
        raise NotFound(f"there is no recipe {recipe_id!r}; known: {', '.join(RECIPES)}")
    return RecipeOut(**line(recipe, installed()).model_dump(), recipe=recipe)


@router.get("/formats")
def list_formats() -> list[FormatOut]:
    """The layouts that an upload may have."""
    return [
        FormatOut(name=name, description=layout.description, columns=list(layout.columns))
        for name, layout in FORMATS.items()
    ]


def signals() -> list[SignalOut]:
    return [describe(kind, signal) for kind, signal in SIGNALS.items()]


def describe(kind: str, signal: type[Signal]) -> SignalOut:
    return SignalOut(
        kind=kind,
        version=signal.version,
        level=signal.level,
        whole_dataset=signal.whole_dataset,
        description=inspect.getdoc(signal) or "",
        outputs=[
            OutputOut(
                name=output.name, low=bound(output.low), high=bound(output.high),
                unit=output.unit, direction=output.direction,
            )
            for output in signal.outputs
        ],
        parameters=signal.model_json_schema(),
    )  # fmt: skip


def recipe_lines(present: Mapping[What, int]) -> list[RecipeLine]:
    """`present`: how many there are of what is known; the rest is held to be there."""
    return [line(recipe, present) for recipe in RECIPES.values()]


def line(recipe: Recipe, present: Mapping[What, int]) -> RecipeLine:
    found, price, pairs = runs(recipe.needs, present), cost(recipe), present.get(What.pairs)
    needs = [
        NeedOut(**need.model_dump(by_alias=False), present=present.get(need.what))
        for need in recipe.needs
    ]
    return RecipeLine(
        name=recipe.id,
        sha256=recipe.sha256(),
        needs=needs,
        gives=gives(recipe),
        cost=CostOut(
            texts=price.texts,
            seconds_per_1000_pairs=price.seconds,
            seconds=None if pairs is None else round(price.of(pairs), 1),
        ),
        runs=str(found),
        degraded=list(found.sentences()),
        **recipe.model_dump(include={"id", "version", "title", "paper", "budget"}),
    )


def gives(recipe: Recipe) -> list[str]:
    """What leaves: a subset, pairs that it builds, columns, a trainer's layout."""
    built = [f"pairs: {recipe.pairs.name()}"] if recipe.pairs else []
    layout = [f"layout: {recipe.export.layout}"] if recipe.export else []
    return ["subset", *built, *recipe.outputs, *layout]


def bound(value: float) -> float | None:
    """JSON knows no infinity."""
    return value if abs(value) != float("inf") else None
