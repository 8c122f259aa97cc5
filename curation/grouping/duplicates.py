"""Which pairs say the same: groups of prompts, responses or unordered pairs, and their votes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.grouping.joining import first_of, joined
from curation.grouping.sketches import similar
from curation.items import Floats, Pairs, View

Places: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.float64]


class Unit(StrEnum):
    prompt = "prompt"
    response = "response"  # the chosen one of a pair, among all chosen and rejected ones
    pair = "pair"  # prompt and both responses, either way round


@dataclass(frozen=True)
class Rule:
    """When two texts are one. `exact`: equal but for white space. `minhash`: the Jaccard index of
    their word n-grams. `embedding`: the cosine of their vectors. Threshold 0..1, high = alike."""

    method: Literal["exact", "minhash", "embedding"] = "minhash"
    threshold: float = 0.9
    words: int = 2


class Duplicates(NamedTuple):
    """A row a pair. `groups`: the lowest row of its group. `sizes`: how many the group holds of the
    unit, equal ones counted. `first`: represents its group (of prompts: all pairs of that prompt).

    `votes`: of the whole group. `shares`: those that say what this pair says, 0..1; `soft`: the
    same and half of the ties. NaN where there is no vote, or the unit is no pair. `same`: the two
    responses of the pair are one. `turned`: its chosen one is what others of the group reject.
    """

    groups: Places
    sizes: Places
    first: NDArray[np.bool_]
    votes: Numbers
    shares: Numbers
    soft: Numbers
    same: NDArray[np.bool_]
    turned: NDArray[np.bool_]


def duplicates(pairs: Pairs, unit: Unit, rule: Rule, apart: Collection[str] = ()) -> Duplicates:
    """Groups are transitive: what a chain connects is one. The order of the pairs decides nothing
    but the numbers. `apart`: ids of pairs or prompts that stay by themselves.

    Facts that are read: `votes`, `agreement` and `soft_label`, as a pair has them.
    """
    prompts = texts_joined(pairs.prompts, pairs, (View.prompt,), rule)
    answers = np.full((2, len(pairs)), -1, np.int64)
    if unit != Unit.prompt:
        said = [*pairs.chosen, *pairs.rejected]
        both = texts_joined(said, pairs, (View.chosen, View.rejected), rule)
        answers = both.reshape(2, len(pairs))
    keys = keys_of(unit, prompts, answers)
    for row, (one, other) in enumerate(zip(pairs.ids, pairs.prompt_ids, strict=True)):
        if one in apart or other in apart:
            keys[row] = (-1, 0, ids_number(pairs.prompt_ids, row) if other in apart else row)
    groups = first_of(np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1))
    turned = answers[0] > answers[1]
    votes, shares, soft = merged(pairs, groups, turned, unit)
    first = representatives(pairs, groups, unit, shares)
    sizes = sizes_of(pairs, groups, unit)
    same = (answers[0] == answers[1]) & (unit != Unit.prompt)
    return Duplicates(groups, sizes, first, votes, shares, soft, same, turned)


def ids_number(ids: Sequence[str], row: int) -> int:
    """The first row with the same id."""
    return ids.index(ids[row])


def keys_of(unit: Unit, prompts: Places, answers: Places) -> Places:
    """(n, 3): equal for those of one group."""
    zeros = np.zeros(len(prompts), np.int64)
    if unit == Unit.prompt:
        return np.stack([prompts, zeros, zeros], axis=1)
    if unit == Unit.response:
        return np.stack([zeros, answers[0], zeros], axis=1)
    return np.stack([prompts, answers.min(axis=0), answers.max(axis=0)], axis=1)


def texts_joined(texts: Sequence[str], pairs: Pairs, views: Sequence[View], rule: Rule) -> Places:
    """(n,): the first of the texts that belong together. Vectors of the views, one after the other,
    are those of the texts."""
    number: dict[str, int] = {}
    of = np.array([number.setdefault(" ".join(each.split()), len(number)) for each in texts], int)
    rows = np.unique(of, return_index=True)[1]  # the first text of each number
    labels = np.arange(len(number))
    if rule.method == "minhash":
        labels = joined(labels, similar(list(number), rule.threshold, rule.words).pairs)
    elif rule.method == "embedding" and len(number):
        from curation.models.closeness import close  # loads torch

        labels = close(vectors_of(pairs, views)[rows], rule.threshold)
    return rows[labels][of] if len(number) else of


def vectors_of(pairs: Pairs, views: Sequence[View]) -> Floats:
    missing = [view.value for view in views if not pairs.has(view)]
    if missing:
        raise ValueError(f"there are no vectors of {', '.join(missing)}")
    return np.concatenate([pairs.vectors[view] for view in views])


def merged(
    pairs: Pairs, groups: Places, turned: NDArray[np.bool_], unit: Unit
) -> tuple[Numbers, Numbers, Numbers]:
    """Votes of the group, the share that says what the pair says, the same and half the ties."""
    n = len(pairs)
    if unit != Unit.pair:
        return np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    towards, against, ties = tallied(pairs).T
    one, other, all_ties = (
        np.bincount(groups, weights=each, minlength=n)[groups]
        for each in (np.where(turned, against, towards), np.where(turned, towards, against), ties)
    )
    total = one + other + all_ties
    mine = np.where(turned, other, one)
    known = np.where(total > 0, total, np.nan)
    return known, mine / known, (mine + all_ties / 2) / known


def tallied(pairs: Pairs) -> Numbers:
    """(n, 3): votes for what a pair says, against it, and neither; 0 where they are unknown."""
    votes = np.nan_to_num(pairs.fact("votes"))
    towards = votes * np.nan_to_num(pairs.fact("agreement"))
    soft = pairs.fact("soft_label")
    ties = np.where(np.isfinite(soft), np.maximum(2 * (soft * votes - towards), 0), 0)
    ties = np.minimum(ties, votes - towards)
    return np.stack([towards, votes - towards - ties, ties], axis=1)


def representatives(pairs: Pairs, groups: Places, unit: Unit, shares: Numbers) -> NDArray[np.bool_]:
    """Of pairs the one that the group's votes are for, with the most own votes, then by id."""
    names = np.array(pairs.prompt_ids if unit == Unit.prompt else pairs.ids, np.str_)
    if unit == Unit.prompt:
        order = np.lexsort((names, groups))
        best = names[order][np.unique(groups[order], return_index=True)[1]]
        return names == best[np.unique(groups, return_inverse=True)[1]]
    order = np.lexsort((
        names, -np.nan_to_num(pairs.fact("votes")), -np.nan_to_num(shares), groups
    ))  # fmt: skip
    found = np.zeros(len(pairs), np.bool_)
    found[order[np.unique(groups[order], return_index=True)[1]]] = True
    return found


def sizes_of(pairs: Pairs, groups: Places, unit: Unit) -> Places:
    counted = groups
    if unit == Unit.prompt:
        first = dict[str, int]()
        for row, name in enumerate(pairs.prompt_ids):
            first.setdefault(name, row)
        counted = groups[list(first.values())]
    return np.bincount(counted, minlength=len(pairs))[groups]
