"""`?strategy=` of the review: what it takes, and what it says of each pair and of all."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from service.errors import Invalid
from service.review.strategies import Strategy, Wanted


class ResemblesOut(BaseModel):
    """Of `error_driven`: the verified pair that fetched this one."""

    item: uuid.UUID
    similarity: float = Field(description="cosine of conversation and attributes, -1..1")
    p_correct: float = Field(description="that belief gave to what a verdict or anchor says there")


class RouteOut(BaseModel):
    """Of `routing`: who should label this pair."""

    to: Literal["human", "model", "nobody"]
    annotator: str | None = Field(
        description="the model to ask, or whose label stands; null for a human"
    )
    ask: bool = Field(description="false where the labels that there are will do")
    cost: float = Field(description="of what is asked; 0 where nothing is")
    p_right: float = Field(description="P(the likelier side is right) afterwards")
    gain: float = Field(description="by how much that is more than now")


class RoutingOut(BaseModel):
    """Of `routing`: the whole plan."""

    budget: float
    spent: float
    humans: int = Field(description="pairs for a human")
    models: int = Field(description="pairs for a model to be asked")
    stand: int = Field(description="pairs whose labels stand")
    gained: float = Field(description="right pairs more, in expectation")
    at_most: float = Field(description="no plan within the budget gains more than this")
    features_tell: float | None = Field(
        description="nats a verified pair by which its lexical features say better than the rate "
        "alone that models err, out of fold; null below 20 verified pairs"
    )


class ErrorsOut(BaseModel):
    """Of `error_driven`: what it starts from."""

    verified: int = Field(description="pairs that an anchor or a verdict settles")
    erred: int = Field(description="of those, believed with P <= 0.5: each fetches k_max pairs")


def wanted(
    strategy: Annotated[
        Strategy,
        Query(
            description="information: where a verdict tells most; error_driven: what resembles "
            "verified pairs that were believed wrongly; routing: who should label what"
        ),
    ] = "information",
    k_max: Annotated[
        int | None, Query(ge=1, le=100, description="of error_driven: pairs an error fetches; 8")
    ] = None,
    budget: Annotated[
        float | None, Query(ge=0, description="of routing: in the unit of the costs")
    ] = None,
    human_cost: Annotated[
        float | None, Query(gt=0, description="of routing: of a verdict; 1")
    ] = None,
    model_cost: Annotated[
        float | None,
        Query(gt=0, description="of routing: of a model's label; without, no model is asked"),
    ] = None,
    cost: Annotated[
        list[str] | None,
        Query(description="of routing: NAME=COST of one model, before model_cost"),
    ] = None,
) -> Wanted:
    return Wanted(strategy, k_max, budget, human_cost, model_cost, costs(cost or ()))


WantedDep = Annotated[Wanted, Depends(wanted)]


def costs(given: Sequence[str]) -> dict[str, float]:
    """Raises Invalid."""
    found: dict[str, float] = {}
    for each in given:
        name, _, price = each.rpartition("=")
        try:
            found[name] = float(price)
        except ValueError:
            name = ""
        if not name or not 0 < found[name] < float("inf"):
            detail = f"cost {each!r} is no NAME=COST with a cost above 0"
            raise Invalid(detail, code="wrong_options", field="cost")
    return found
