"""Which pairs repeat one another in nearly the same words, and what all their votes say."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.grouping.duplicates import Rule, Unit
from curation.grouping.membership import COLUMNS, FACTS, OF_PAIRS, learn, look_up
from curation.items import Pairs
from curation.signals.signal import OK, Column, Fit, Level, Output, Scores, Signal

OUTPUTS = (
    Output("group", 0, 2**41, "number", "equal numbers: near-duplicates of each other"),
    Output("size", 1, np.inf, "count", "high = often repeated"),
    Output("first", 0, 1, "flag", "1 = represents its group; a gate on it keeps one of each"),
    Output("votes", 0, np.inf, "count", "high = the group has many votes, of all its pairs"),
    Output("agreement", 0, 1, "share", "of the group's votes those that say what the pair says"),
    Output("soft_label", 0, 1, "probability", "the same and half of the ties"),
    Output("same_responses", 0, 1, "flag", "1 = the pair's two responses are near-duplicates"),
    Output("turned", 0, 1, "flag", "1 = labelled the other way than those of its group with 0"),
)


class NearDuplicates(Signal):
    """Group, representative and merged votes of a pair's prompt, chosen response, or of the pair.

    `unit: pair` joins pairs whose prompts and whose two responses are alike, either way round, and
    adds up their votes: a recipe that keeps the `first` ones loses no vote. `minhash` finds texts
    whose word n-grams have a Jaccard index >= threshold, `exact` what is equal but for white space.
    Groups are transitive. Nothing is deleted: ids in `apart` stay by themselves, and so do members
    of groups that were undone in the dataset.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = FACTS
    outputs: ClassVar[tuple[Output, ...]] = OUTPUTS

    kind: Literal["near_duplicates"] = "near_duplicates"
    unit: Unit = Unit.pair
    method: Literal["exact", "minhash"] = "minhash"
    threshold: float = Field(default=0.9, ge=0.5, le=1, description="Jaccard index; not for exact")
    words: int = Field(default=2, ge=1, le=20, description="of an n-gram")
    apart: tuple[str, ...] = Field(
        default=(), description="ids of pairs or prompts that are in no group", max_length=10_000
    )

    def fit(self, items: Pairs) -> Fit:
        rule = Rule(self.method, self.threshold, self.words)
        return Fit(*learn(items, self.unit, rule, frozenset(self.apart)))

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        return members(items, fit, self.unit)


def members(items: Pairs, fit: Fit | None, unit: Unit) -> Scores:
    """Of any signal that has these outputs."""
    if fit is None:
        raise ValueError("near-duplicates need their fit")
    table, seen = look_up(fit.arrays, items, unit)
    of_pairs = np.full(len(items), "other_unit" if unit != Unit.pair else "no_votes")
    columns: dict[str, Column] = {}
    for at, name in enumerate(COLUMNS):
        values = table[:, at]
        why = "other_unit" if name == "same_responses" and unit == Unit.prompt else "unseen"
        missing = np.where(seen, of_pairs if name in OF_PAIRS else why, "unseen")
        columns[name] = Column(values, np.where(np.isfinite(values), OK, missing).astype(np.str_))
    return Scores(columns)
