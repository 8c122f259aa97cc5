"""What somebody means by a near-duplicate: the signal that finds them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from curation.signals import Signal, parse_signal
from service.errors import Invalid


class Unit(StrEnum):
    prompt = "prompt"
    response = "response"
    pair = "pair"
    judgment = "judgment"


class Method(StrEnum):
    exact = "exact"
    minhash = "minhash"
    embedding = "embedding"


def signal_of(
    unit: Unit, method: Method, threshold: float | None, words: int | None, apart: Sequence[str]
) -> Signal:
    """Judgments are repeated where their pairs are. Raises Invalid."""
    semantic = method == Method.embedding
    if words is not None and method != Method.minhash:
        raise Invalid("`words` is for the method minhash", code="bad_option", field="words")
    if threshold is not None and method == Method.exact:
        raise Invalid("`threshold` is not for exact", code="bad_option", field="threshold")
    spec: dict[str, Any] = {
        "kind": "semantic_duplicates" if semantic else "near_duplicates",
        "unit": Unit.pair if unit == Unit.judgment else unit,
        "apart": sorted(apart),
    }
    if not semantic:
        spec["method"] = method
    given = {"threshold": threshold, "words": words}
    try:
        return parse_signal(spec | {name: each for name, each in given.items() if each is not None})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][-1])
        raise Invalid(f"{field}: {first['msg']}", code="bad_option", field=field) from error
