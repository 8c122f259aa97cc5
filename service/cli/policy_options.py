"""A pair policy out of the options of a command."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from pydantic import ValidationError

from curation.misfits import in_words
from curation.pairing import POLICY, PairPolicy, load


def named(name: str) -> PairPolicy:
    """Raises typer.BadParameter: neither a known policy nor a file of one."""
    try:
        return load(name)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--policy") from error


def changed(policy: PairPolicy, given: Mapping[str, Any], aspects: Sequence[str]) -> PairPolicy:
    """The policy with these fields in place of its own; None leaves a field as it is.

    `aspects` are names, or name=weight. Raises typer.BadParameter where they do not fit.
    """
    body = policy.model_dump(mode="json")
    changes = {name: value for name, value in given.items() if value is not None}
    if aspects:
        place_aspects(body, aspects)
    if not changes and not aspects:
        return policy
    try:
        return POLICY.validate_python({**body, **changes, "id": None, "title": ""})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        said = in_words(first)
        raise typer.BadParameter(f"{place}: {said}" if place else said) from error


def place_aspects(body: dict[str, Any], aspects: Sequence[str]) -> None:
    """Write the aspects where the policy keeps them."""
    weights = dict(parted(aspect) for aspect in aspects)
    if body.get("by", {}).get("label") == "ratings":
        own = {name: weight for name, weight in weights.items() if weight is not None}
        body["by"] |= {"aspects": list(weights), "weights": own}
    elif "aspects" in body and not any(weight is not None for weight in weights.values()):
        body["aspects"] = list(weights)
    elif "aspect" in body.get("by", {}) and len(weights) == 1:
        body["by"]["aspect"] = next(iter(weights))
    else:
        raise typer.BadParameter("this policy does not take these aspects", param_hint="--aspect")


def parted(aspect: str) -> tuple[str, float | None]:
    name, equals, weight = aspect.rpartition("=")
    if not equals:
        return aspect, None
    try:
        return name, float(weight)
    except ValueError:
        return aspect, None
