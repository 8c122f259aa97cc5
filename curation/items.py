"""The columns that signals, selectors and evaluation work on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating]
Indices: TypeAlias = NDArray[np.int64]


class View(StrEnum):
    """A text of a pair that can be embedded."""

    prompt = "prompt"
    chosen = "chosen"  # the response alone
    rejected = "rejected"
    prompt_chosen = "prompt+chosen"  # cut on the left of the prompt: the response always fits
    prompt_rejected = "prompt+rejected"


@dataclass(frozen=True, slots=True)
class Texts:
    """n texts to embed. `prefixes[i]` gives way to `bodies[i]` where both do not fit."""

    ids: Sequence[str]
    prefixes: Sequence[str]
    bodies: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Prompts:
    """n distinct prompts, rendered as text; vectors by view, each (n, d), unit length."""

    ids: Sequence[str]
    texts: Sequence[str]
    vectors: Mapping[View, Floats] = field(default_factory=dict[View, Floats])

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Indices) -> "Prompts":
        """The prompts at these positions, in this order."""
        positions: list[int] = rows.tolist()
        vectors = {view: matrix[rows] for view, matrix in self.vectors.items()}
        ids, texts = [self.ids[i] for i in positions], [self.texts[i] for i in positions]
        return Prompts(ids, texts, vectors)


@dataclass(frozen=True, slots=True)
class Pairs:
    """n preference pairs, rendered as text. `prompt_ids` is the group that must not be split.

    `fields` are named classes that the texts do not tell (source, language, …), "" where unknown.
    `facts` are numbers that come with the label, NaN where unknown: `gold` (1 the chosen response
    is verified to be better, 0 the rejected one), `votes`, `margin`, ….
    `grounds` are texts that answers can be held against, "" where there is none: `sources` that
    they should keep to, a `reference` answer.
    """

    ids: Sequence[str]
    prompt_ids: Sequence[str]
    prompts: Sequence[str]
    chosen: Sequence[str]
    rejected: Sequence[str]
    vectors: Mapping[View, Floats] = field(default_factory=dict[View, Floats])
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    facts: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    grounds: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Indices) -> "Pairs":
        """The pairs at these positions, in this order."""

        positions: list[int] = rows.tolist()

        def pick(column: Sequence[str]) -> list[str]:
            return [column[i] for i in positions]

        return Pairs(
            pick(self.ids),
            pick(self.prompt_ids),
            pick(self.prompts),
            pick(self.chosen),
            pick(self.rejected),
            {view: matrix[rows] for view, matrix in self.vectors.items()},
            {name: pick(column) for name, column in self.fields.items()},
            {name: np.asarray(column)[rows] for name, column in self.facts.items()},
            {name: pick(column) for name, column in self.grounds.items()},
        )

    def fact(self, name: str) -> NDArray[np.float64]:
        """(n,), NaN throughout where nothing is known."""
        return np.asarray(self.facts.get(name, np.full(len(self), np.nan)), np.float64)

    def swapped(self) -> "Pairs":
        """The same pairs with chosen and rejected exchanged; facts are of the label, and go."""
        partner = {
            View.chosen: View.rejected,
            View.rejected: View.chosen,
            View.prompt_chosen: View.prompt_rejected,
            View.prompt_rejected: View.prompt_chosen,
        }
        vectors = {partner.get(view, view): matrix for view, matrix in self.vectors.items()}
        return replace(self, chosen=self.rejected, rejected=self.chosen, vectors=vectors, facts={})

    def distinct_prompts(self) -> "Prompts":
        """Each prompt once, in order of first appearance."""
        first: dict[str, int] = {}
        for row, prompt_id in enumerate(self.prompt_ids):
            first.setdefault(prompt_id, row)
        rows = list(first.values())
        vectors = {View.prompt: self.vectors[View.prompt][rows]} if self.has(View.prompt) else {}
        return Prompts(list(first), [self.prompts[i] for i in rows], vectors)

    def with_fields(self, fields: Mapping[str, Sequence[str]]) -> "Pairs":
        return replace(self, fields={**self.fields, **fields})

    def has(self, view: View) -> bool:
        return view in self.vectors
