"""A recipe: which signals to compute, which of their outputs to select by, and how."""

import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import orjson
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from curation.misfits import nearest
from curation.pairing import POLICIES, AnyPolicy
from curation.places import Misfit, Misfits, located
from curation.recipes.budget import Budget
from curation.recipes.needs import Need
from curation.selectors import AnySelector
from curation.signals import AnySignal, Level, Output, Signal

# What an export says of a pair whatever the recipe.
TAKEN = frozenset(
    ["prompt", "chosen", "rejected", "pair_id", "prompt_id", "source", "license", "recipe_id",
     "recipe_sha", "flipped", "chosen_image", "rejected_image"]
)  # fmt: skip
LATER = ("needs", "pairs", "outputs", "export")


def free(column: str) -> str:
    if column in TAKEN:
        raise ValueError(f"{column} is what every export has: call the output otherwise")
    return column


ColumnName: TypeAlias = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$"), AfterValidator(free)
]


def readable(budget: str) -> str:
    Budget.parse(budget)
    return budget


def policy_named(given: Any) -> Any:
    """The policy itself where one of those that come with prefsift is named."""
    if not isinstance(given, str):
        return given
    if given not in POLICIES:
        raise ValueError(f"there is no pair policy {given!r}; {nearest(given, [*POLICIES])}")
    return POLICIES[given].model_dump(mode="json")


class ExportWish(BaseModel):
    """The layout, and its own options, that an export has where the user names none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str = "huggingface"
    options: dict[str, Any] = Field(default_factory=dict[str, Any])


class Expectation(BaseModel):
    """Checked after the selection and reported; it never changes what is selected.

    `size`: as many pairs as the budget asks for. `mean_above_pool`, `mean_not_below_pool`: the mean
    of `term` over the subset against the mean over all pairs that have it. `within`: no value of
    the subset lies outside `low` .. `high`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["size", "mean_above_pool", "mean_not_below_pool", "within"]
    term: str | None = None
    low: float | None = None
    high: float | None = None

    @model_serializer(mode="wrap")
    def without_unused_ends(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """So that recipes from before there were ends keep their sha256."""
        ends = {"low": self.low, "high": self.high}
        unused = [name for name, end in ends.items() if end is None]
        return {name: value for name, value in whole(self).items() if name not in unused}

    @model_validator(mode="after")
    def names_a_term(self) -> "Expectation":
        if (self.term is None) != (self.check == "size"):
            raise ValueError("`size` has no term, every other check needs one")
        if (self.low is None and self.high is None) == (self.check == "within"):
            raise ValueError("`within` has low or high or both, no other check has them")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}: nothing lies between")
        return self


class Recipe(BaseModel):
    """`terms` maps a selector's term to "<signal>.<output>", signals by their name in `signals`.

    `pairs`: the policy that builds the pairs from the labels first. `outputs`: columns of an export
    by the term that they come from; what the labels say by the same name leaves as `label_<name>`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    version: int = Field(default=1, ge=1)
    title: str = Field(min_length=1, max_length=200)
    description: str = ""
    paper: str | None = Field(
        default=None, pattern=r"^\d{4}\.\d{4,5}$", description="arXiv id of the method"
    )
    needs: tuple[Need, ...] = ()
    pairs: Annotated[AnyPolicy, BeforeValidator(policy_named)] | None = None
    signals: dict[str, AnySignal] = Field(default_factory=dict[str, AnySignal])
    terms: dict[str, str] = Field(default_factory=dict[str, str])
    selector: AnySelector
    budget: Annotated[str, AfterValidator(readable)] = "10%"
    outputs: dict[ColumnName, str] = Field(default_factory=dict[str, str])
    export: ExportWish | None = None
    expects: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def fits_together(self) -> "Recipe":
        wrong = [*self.wrong_outputs(), *self.unknown_terms()]
        if wrong:
            raise Misfits(wrong)
        return self

    def wrong_outputs(self) -> Iterator[Misfit]:
        for term in self.terms:
            try:
                self.output(term)
            except ValueError as error:
                yield Misfit(("terms", term), None, str(error))

    def unknown_terms(self) -> Iterator[Misfit]:
        """Each where it is named: by the selector, an expectation, an output."""
        named: list[tuple[tuple[int | str, ...], str]] = [
            (("selector",), term) for term in sorted(set(self.selector.terms()))
        ]
        named += [(("expects", i), each.term) for i, each in enumerate(self.expects) if each.term]
        named += [(("outputs", column), term) for column, term in self.outputs.items()]
        for path, term in named:
            if term not in self.terms:
                there = nearest(term, [*self.terms])
                message = f"no term of the recipe is called {term}; {there}"
                yield Misfit(path, term, message)

    def output(self, term: str) -> tuple[str, Signal, Output]:
        """The signal behind a term, by name, and which of its outputs. ValueError: no such."""
        name, _, wanted = self.terms[term].partition(".")
        signal = self.signals.get(name)
        if signal is None:
            there = nearest(name, [*self.signals])
            raise ValueError(f"term {term}: the recipe has no signal {name!r}; {there}")
        if signal.level not in (Level.prompt, Level.pair):
            raise ValueError(f"term {term}: {name} scores a {signal.level}, not a prompt or a pair")
        for output in signal.outputs:
            if output.name == wanted:
                return name, signal, output
        known = ", ".join(output.name for output in signal.outputs)
        raise ValueError(f"term {term}: {name} has no output {wanted!r}, it has {known}")

    def sha256(self) -> str:
        """Of the canonical JSON, every parameter included: names exactly this recipe.

        Parts that came later count where a recipe has them, so that older ones keep their name.
        """
        unused = {name for name in LATER if not getattr(self, name)}
        body = self.model_dump(mode="json", exclude=unused)
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def parse(text: str, where: str) -> Recipe:
    """ValueError, with line and field, where the YAML or JSON is not a recipe."""
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where} is not a recipe: expected a mapping")
    try:
        return Recipe.model_validate(found)
    except ValidationError as error:
        raise ValueError(located(text, where, error)) from error


def shipped() -> Iterator[Recipe]:
    """The recipes of this folder, by id."""
    here = files("curation.recipes")
    for entry in sorted(here.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            yield parse(entry.read_text(encoding="utf-8"), entry.name)


RECIPES: Mapping[str, Recipe] = {recipe.id: recipe for recipe in shipped()}


def load(name_or_path: str) -> Recipe:
    """A shipped recipe by id, or a recipe from a YAML or JSON file. ValueError: neither."""
    if name_or_path in RECIPES:
        return RECIPES[name_or_path]
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml", ".json"):
        if not path.is_file():
            raise ValueError(f"there is no recipe file {name_or_path}")
        return parse(path.read_text(encoding="utf-8"), name_or_path)
    raise ValueError(
        f"there is no recipe {name_or_path!r}; {nearest(name_or_path, [*RECIPES])}; or give a path "
        "to a .yaml"
    )


def source(name_or_path: str) -> str:
    """The text of a recipe's file, as `load` finds it."""
    if name_or_path in RECIPES:
        return files("curation.recipes").joinpath(f"{name_or_path}.yaml").read_text("utf-8")
    return Path(name_or_path).read_text("utf-8")
