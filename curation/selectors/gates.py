"""Conditions that a pair must meet, with a reason for each that it fails, and a selector after."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    WithJsonSchema,
    model_validator,
)

from curation.items import Floats, Pairs, View
from curation.selectors.selector import Pool, Selection, Selector
from curation.selectors.top import Top


class Condition(BaseModel):
    """A range of a term, or the classes of a field. A pair that lacks the value fails."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    term: str | None = None
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    field: str | None = None
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    @model_validator(mode="after")
    def asks_one_thing(self) -> "Condition":
        if (self.term is None) == (self.field is None):
            raise ValueError("a condition names a term or a field")
        ranged = self.at_least is not None or self.at_most is not None
        listed = bool(self.one_of or self.none_of)
        if (ranged, listed) != (self.term is not None, self.field is not None):
            raise ValueError("a term has at_least or at_most, a field has one_of or none_of")
        low, high = self.at_least, self.at_most
        if low is not None and high is not None and low > high:
            raise ValueError("at_least is above at_most: no pair can meet that")
        return self

    @property
    def name(self) -> str:
        return self.term or f"field {self.field}"

    def met(self, pool: Pool) -> NDArray[np.bool_] | None:
        """(n,), or None where nothing in the pool has the value."""
        if self.field is not None:
            if self.field not in pool.fields:
                return None
            values = pool.fields[self.field]
            wanted = [not self.one_of or value in self.one_of for value in values]
            banned = [value in self.none_of for value in values]
            return np.array(wanted, np.bool_) & ~np.array(banned, np.bool_)
        values = np.asarray(
            pool.scores.get(self.term or "", np.full(len(pool), np.nan)), np.float64
        )
        if not np.isfinite(values).any():
            return None
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return np.isfinite(values) & (values >= low) & (values <= high)


def resolved(given: Any) -> Any:
    """The selector that a mapping names by its `kind`."""
    if not isinstance(given, dict):
        return given
    from curation.selectors import SELECTORS  # complete once every module is loaded

    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in SELECTORS or kind == "gates":
        raise ValueError(f"no selector behind gates is called {kind!r}")
    return SELECTORS[kind].model_validate(given)


AfterGates = Annotated[
    SerializeAsAny[Selector],
    BeforeValidator(resolved),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"type": "string", "description": "any selector but gates"}},
        }
    ),
]


class Gates(Selector):
    """L07: pairs that meet every condition of `all` and one of `any`, then the selector `then`.

    The reason of a dropped pair names the first condition that it fails. A condition on what no
    pair has is skipped and recorded. Objective, bound and importance are those of `then`.
    """

    version: ClassVar[int] = 1

    kind: Literal["gates"] = "gates"
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    then: AfterGates = Field(default_factory=Top)

    def terms(self) -> tuple[str, ...]:
        asked = [one.term for one in (*self.all, *self.any) if one.term]
        return tuple(dict.fromkeys([*asked, *self.then.terms()]))

    def field_names(self) -> tuple[str, ...]:
        asked = [one.field for one in (*self.all, *self.any) if one.field]
        return tuple(dict.fromkeys([*asked, *self.then.field_names()]))

    def needs_vectors(self) -> bool:
        return self.then.needs_vectors()

    def vector_view(self) -> View:
        return self.then.vector_view()

    def vector_views(self) -> tuple[View, ...]:
        return self.then.vector_views()

    def vectors_of(self, pairs: Pairs) -> Floats | None:
        return self.then.vectors_of(pairs)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        failed = [""] * len(pool)
        skipped: list[str] = []
        for one in reversed(self.all):
            self.fail(failed, skipped, one.met(pool), one.name)
        some = [(one, one.met(pool)) for one in self.any]
        known = [met for _, met in some if met is not None]
        skipped += [one.name for one, met in some if met is None]
        if known:
            either = np.logical_or.reduce(known)
            for row in np.flatnonzero(~either).tolist():
                failed[row] = failed[row] or "any"
        rows = np.array([i for i, name in enumerate(failed) if not name], np.int64)
        found = self.then.choose(pool.take(rows), k, seed)
        reasons = [f"gate:{name}" for name in failed]
        importance = np.full(len(pool), np.nan)
        importance[rows] = found.importance
        for row, reason in zip(rows.tolist(), found.reasons, strict=True):
            reasons[row] = reason
        degraded = tuple(dict.fromkeys([*reversed(skipped), *found.degraded]))
        return Selection(
            rows[found.order], importance, reasons, found.objective, degraded, found.bound
        )

    @staticmethod
    def fail(
        failed: list[str], skipped: list[str], met: NDArray[np.bool_] | None, name: str
    ) -> None:
        if met is None:
            skipped.append(name)
            return
        for row in np.flatnonzero(~met).tolist():
            failed[row] = name
