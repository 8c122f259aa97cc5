"""What a fit of near-duplicates keeps: each pair's group and its numbers, by the pair's id."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from curation.grouping.duplicates import Duplicates, Rule, Unit, duplicates, tallied
from curation.items import Pairs

COLUMNS = (
    "group", "size", "first", "votes", "agreement", "soft_label", "same_responses", "turned",
)  # fmt: skip
OF_PAIRS = frozenset({"votes", "agreement", "soft_label", "turned"})
# Facts that say 1 of what stays by itself although its texts are alike: a group was undone.
APART = {unit: f"apart_{unit}" for unit in Unit}
FACTS = ("votes", "agreement", "soft_label", *APART.values())
UNSEEN = 1 << 40  # numbers of groups from here on are those of pairs that the fit has not seen

Table = NDArray[np.float64]


def learn(
    pairs: Pairs, unit: Unit, rule: Rule, apart: Collection[str]
) -> tuple[dict[str, NDArray[np.generic]], dict[str, float]]:
    """Arrays, and counts of groups, of pairs in one of two and more, and of the largest."""
    order = np.argsort(np.array(pairs.ids, np.str_), kind="stable")
    pairs = pairs.take(order)
    found = duplicates(pairs, unit, rule, {*apart, *undone(pairs, unit)})
    arrays: dict[str, NDArray[np.generic]] = {
        "ids": np.array(pairs.ids, np.str_),
        "table": table_of(found, unit),
        "content": content(pairs, unit),
        "leads": np.array([number((each,)) for each in pairs.chosen], np.uint64),
    }
    crowded = found.sizes > 1
    metrics = {
        "n": float(len(pairs)),
        "groups": float(len(np.unique(found.groups))),
        "repeated_groups": float(len(np.unique(found.groups[crowded]))),
        "repeated_pairs": float(crowded.sum()),
        "not_first": float((~found.first).sum()),
        "largest": float(found.sizes.max(initial=0)),
    }
    return arrays, metrics


def undone(pairs: Pairs, unit: Unit) -> set[str]:
    """Ids of the pairs, or of the prompts where they are the unit, that facts keep apart."""
    names = pairs.prompt_ids if unit == Unit.prompt else pairs.ids
    return {names[row] for row in np.flatnonzero(pairs.fact(APART[unit]) == 1).tolist()}


def table_of(found: Duplicates, unit: Unit) -> Table:
    """(n, columns)."""
    same = found.same.astype(np.float64)
    if unit == Unit.prompt:
        same = np.full(len(same), np.nan)
    turned = found.turned.astype(np.float64)
    if unit != Unit.pair:
        turned = np.full(len(same), np.nan)
    columns = (found.groups, found.sizes, found.first, found.votes, found.shares, found.soft, same,
               turned)  # fmt: skip
    return np.stack([np.asarray(each, np.float64) for each in columns], axis=1)


def look_up(
    arrays: Mapping[str, NDArray[np.generic]], pairs: Pairs, unit: Unit
) -> tuple[Table, NDArray[np.bool_]]:
    """(n, columns), and which of the pairs the fit has seen.

    One that it has not belongs to a group whose texts are exactly its own, and is not the first of
    it; else it stands alone. Its votes are added to those of the group.
    """
    ids: list[str] = arrays["ids"].tolist()
    known, table = dict(zip(ids, range(len(ids)), strict=True)), np.asarray(arrays["table"], float)
    row = np.array([known.get(name, -1) for name in pairs.ids], np.int64)
    found = np.full((len(pairs), len(COLUMNS)), np.nan)
    found[row >= 0] = table[row[row >= 0]]
    rows = np.flatnonzero(row < 0)
    if len(rows):
        says: list[int] = arrays["content"].tolist()
        like = dict(zip(reversed(says), reversed(range(len(says))), strict=True))
        leads: list[int] = arrays["leads"].tolist()
        found[rows] = newcomers(pairs.take(rows), unit, table, like, leads)
    return found, row >= 0


def newcomers(
    pairs: Pairs, unit: Unit, table: Table, like: Mapping[int, int], leads: Sequence[int]
) -> Table:
    """Rows of pairs that the fit has not seen. `like`: a row of the fit by its content."""
    own = table_of(duplicates(pairs, unit, Rule("exact")), unit)
    votes = np.nan_to_num(tallied(pairs)) if unit == Unit.pair else np.zeros((len(pairs), 3))
    for at, said in enumerate(content(pairs, unit).tolist()):
        own[at, :3] = UNSEEN + said % UNSEEN, 1, 1
        fellow = like.get(said)
        if fellow is not None:
            own[at, :3] = table[fellow, 0], table[fellow, 1], 0
        if unit == Unit.pair:
            group = np.zeros(3)
            own[at, 7] = 0
            if fellow is not None:
                flipped = number((pairs.chosen[at],)) != leads[fellow]
                group = shares(table[fellow, 3:6], flipped)
                own[at, 7] = table[fellow, 7] != flipped
            own[at, 3:6] = ratios(votes[at] + group)
    return own


def shares(said: NDArray[np.float64], flipped: bool) -> NDArray[np.float64]:
    """Votes for, against and neither, of their number, agreement and soft label."""
    votes, agreement, soft = np.nan_to_num(said)
    ties = 2 * (soft - agreement) * votes
    towards, against = agreement * votes, votes - agreement * votes - ties
    return np.array([against, towards, ties] if flipped else [towards, against, ties])


def ratios(counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The other way; NaN where there is no vote."""
    total = counted.sum()
    if total <= 0:
        return np.full(3, np.nan)
    return np.array([total, counted[0] / total, (counted[0] + counted[2] / 2) / total])


def content(pairs: Pairs, unit: Unit) -> NDArray[np.uint64]:
    """(n,): equal where the unit's texts are, but for white space."""
    if unit == Unit.prompt:
        parts = [(each,) for each in pairs.prompts]
    elif unit == Unit.response:
        parts = [(each,) for each in pairs.chosen]
    else:
        columns = zip(pairs.prompts, pairs.chosen, pairs.rejected, strict=True)
        parts = [(prompt, *sorted((one, other))) for prompt, one, other in columns]
    return np.array([number(each) for each in parts], np.uint64)


def number(texts: tuple[str, ...]) -> int:
    said = "\0".join(" ".join(each.split()) for each in texts)
    digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)
