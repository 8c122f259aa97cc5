"""What a subset was asked to be made of besides its recipe, so that it can be asked for again."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from service.tables.subsets import Subset

COMBINED = "combined"  # the id that stands for a recipe where subsets were put together
Operation: TypeAlias = Literal["union", "minus", "intersect"]


class TokenizerUse(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str  # of what it is made of


class Asked(BaseModel):
    """`parents` are subsets of this database: their ids never leave it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str | None = None
    policy: dict[str, Any] | None = None  # given with the request; a recipe says its own
    seeds: tuple[int, ...] = ()  # where there are several
    tokenizer: TokenizerUse | None = None
    parents: tuple[str, ...] = ()


def asked_of(subset: Subset) -> Asked:
    return Asked.model_validate(subset.asked)


def is_combined(subset: Subset) -> bool:
    return subset.recipe["id"] == COMBINED


def extras(subset: Subset) -> dict[str, Any]:
    """The fields of a request besides recipe, budget and seed; only those that were used."""
    asked = asked_of(subset)
    found: dict[str, Any] = {
        "where": asked.where,
        "policy": asked.policy,
        "seeds": list(asked.seeds),
        "tokenizer": asked.tokenizer.model_dump() if asked.tokenizer else None,
    }
    return {name: value for name, value in found.items() if value}


def wish_of(subset: Subset) -> dict[str, Any]:
    """What makes the subset again on the same files, wherever they are: no id of this database."""
    if is_combined(subset):
        return {"operation": subset.recipe["operation"], "of": subset.recipe["of"]}
    own = {"recipe": subset.recipe, "budget": subset.budget, "seed": subset.seed}
    return {**own, **extras(subset)}
