"""What this service knows: signals, recipes, data layouts. The same for everyone: no key needed."""

import inspect
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from curation.recipes import RECIPES, Recipe
from curation.signals import SIGNALS, Signal
from service.errors import NotFound
from service.formats import FORMATS

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


class RecipeLine(BaseModel):
    id: str = Field(examples=["fifa"])
    version: int
    title: str
    paper: str | None = Field(description="arXiv id", examples=["2410.10166"])
    budget: str
    sha256: str


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
    return [RecipeLine(**line(recipe)) for recipe in RECIPES.values()]


@router.get("/recipes/{recipe_id}")
def read_recipe(recipe_id: str) -> RecipeOut:
    """A recipe as it runs, with every default filled in."""
    recipe = RECIPES.get(recipe_id)
    if recipe is None:
        raise NotFound(f"there is no recipe {recipe_id!r}; known: {', '.join(RECIPES)}")
    return RecipeOut(**line(recipe), recipe=recipe)


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


def line(recipe: Recipe) -> dict[str, Any]:
    fields = recipe.model_dump(include={"id", "version", "title", "paper", "budget"})
    return {**fields, "sha256": recipe.sha256()}


def bound(value: float) -> float | None:
    """JSON knows no infinity."""
    return value if abs(value) != float("inf") else None
