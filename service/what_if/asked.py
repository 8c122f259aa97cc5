"""What a request asks: fields that can be cut by, thresholds, a price. Says which part is wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple, Self

from curation.recipes.budget import Price
from curation.signals import SIGNALS
from curation.thresholds.sweep import Side
from service.errors import Invalid
from service.filters.fields import PAIR, Catalogue
from service.filters.unknown import MOST, NEAR, hint
from service.tables.viewer import Snapshot
from service.what_if.stored import names_of

POINTS, GRID_POINTS = 20, 6
CELLS = 10_000  # of an answer
UNORDERED = ("position", "source.line")  # numbers, but no quantities


@dataclass(frozen=True)
class Axis:
    """A field to cut by: kept are values >= a threshold, or <= it where the side is low."""

    name: str
    side: Side = "high"
    at: Sequence[float] = ()


@dataclass(frozen=True)
class Asked:
    axes: Sequence[Axis]
    points: int
    price: Price | None = None
    noise: str | None = None  # the output that it is estimated by; None: the first there is
    rate: float | None = None  # of wrong labels among all; None: as a fit says it
    fields: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", [axis.name for axis in self.axes])


class Numbers(NamedTuple):
    """What can be cut by: names, and which of them say how probably a label is right."""

    names: Sequence[str]
    noise: Sequence[str]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Of the pairs of a dataset. Not a signal's own name, which stands for its first output,
        nor numbers that are no quantities."""
        listed = Catalogue(snapshot.scores).listed()
        scored = [found["name"] for found in snapshot.scores]
        numbers = [name for name, entry in listed.items() if entry.kind == "number"]
        signals = {name.partition(".")[0] for name in scored} - set(PAIR)
        left_out = {*UNORDERED, *signals}
        return cls([name for name in numbers if name not in left_out], names_of(snapshot)[0])

    def full(self, name: str) -> str:
        """The first output where it is a signal's own name; any other as it is."""
        if name not in SIGNALS:
            return name
        return next((each for each in self.names if each.partition(".")[0] == name), name)


class Given(NamedTuple):
    """The parameters of a request. `also` is its `and`."""

    by: str | None = None
    also: str | None = None
    keep: Side = "high"
    also_keep: Side = "high"
    at: Sequence[float] = ()
    also_at: Sequence[float] = ()
    points: int | None = None
    cost: str | None = None
    noise: str | None = None
    rate: float | None = None


def checked(there: Numbers, given: Given) -> Asked:
    """Raises Invalid, with the parameter's name as `field`."""
    first = known(there, "by", given.by or default(there))
    axes = [Axis(first, given.keep, numbers("at", given.at))]
    if given.also is not None:
        second = known(there, "and", given.also)
        if second == first:
            raise Invalid(f"{first} can't be cut by twice", code="same_field", field="and")
        axes.append(Axis(second, given.also_keep, numbers("and_at", given.also_at)))
    elif given.also_at:
        raise Invalid("and_at goes with a second field", code="no_second_field", field="and_at")
    wanted = given.points or (POINTS if len(axes) == 1 else GRID_POINTS)
    cells = math.prod(len(axis.at) or wanted for axis in axes)
    if cells > CELLS:
        detail = f"{cells:,} combinations of thresholds: an answer has at most {CELLS:,}"
        raise Invalid(detail, code="too_many_thresholds", field="at")
    noise = estimated(there, given.noise)
    return Asked(axes, wanted, priced(given.cost), noise, given.rate)


def default(there: Numbers) -> str:
    if not there.noise:
        raise Invalid(
            "no signal of the dataset says how probably a label is right: name a field to cut by",
            code="no_default", field="by",
        )  # fmt: skip
    return there.noise[0]


def known(there: Numbers, parameter: str, name: str) -> str:
    whole = there.full(name)
    if whole in there.names:
        return whole
    near = get_close_matches(name, sorted(there.names), MOST, NEAR)
    signal = f"{name.partition('.')[0]}."
    own = [each for each in there.names if each.startswith(signal)]
    advice = f"there are {', '.join(own)}" if own else hint(name, near)
    detail = f"there is no number {name[:80]!r} to cut by; {advice}"
    raise Invalid(detail, code="unknown_field", field=parameter, near=near)


def numbers(parameter: str, found: Sequence[float]) -> list[float]:
    if not all(map(math.isfinite, found)):
        raise Invalid("a threshold is a finite number", code="not_finite", field=parameter)
    return sorted(set(found))


def priced(cost: str | None) -> Price | None:
    try:
        return None if cost is None else Price.parse(cost)
    except ValueError as error:
        raise Invalid(str(error), code="bad_price", field="cost") from error


def estimated(there: Numbers, noise: str | None) -> str | None:
    if noise is None or noise in there.noise:
        return noise
    if there.noise:
        said = f"noise is estimated by {' or '.join(there.noise)}, not by {noise[:80]!r}"
    else:
        said = "no signal of the dataset says how probably a label is right"
    raise Invalid(said, code="unknown_noise", field="noise", near=list(there.noise))
