"""What a fit of near-duplicates keeps: each pair's group and its numbers, by the pair's id."""

from collections.abc import Collection, Mapping
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from curation.grouping.duplicates import Duplicates, Rule, Unit, duplicates
from curation.items import Pairs

COLUMNS = (
    "group", "size", "first", "votes", "agreement", "soft_label", "same_responses", "turned",
)  # fmt: skip
OF_PAIRS = frozenset({"votes", "agreement", "soft_label", "turned"})
UNSEEN = 1 << 40  # numbers of groups from here on are those of pairs that the fit has not seen

Table = NDArray[np.float64]


def learn(
    pairs: Pairs, unit: Unit, rule: Rule, apart: Collection[str]
) -> tuple[dict[str, NDArray[np.generic]], dict[str, float]]:
    """Arrays, and counts of groups, of pairs in one of two and more, and of the largest."""
    order = np.argsort(np.array(pairs.ids, np.str_), kind="stable")
    pairs = pairs.take(order)
    found = duplicates(pairs, unit, rule, apart)
    arrays: dict[str, NDArray[np.generic]] = {
        "ids": np.array(pairs.ids, np.str_),
        "table": table_of(found, unit),
        "content": content(pairs, unit),
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
    it; else it stands alone. Of its votes nothing is known.
    """
    ids: list[str] = arrays["ids"].tolist()
    known, table = dict(zip(ids, range(len(ids)), strict=True)), np.asarray(arrays["table"], float)
    row = np.array([known.get(name, -1) for name in pairs.ids], np.int64)
    found = np.full((len(pairs), len(COLUMNS)), np.nan)
    found[row >= 0] = table[row[row >= 0]]
    says: list[int] = arrays["content"].tolist()
    by_content = dict(zip(reversed(says), reversed(range(len(says))), strict=True))
    own = content(pairs, unit)
    for new in np.flatnonzero(row < 0).tolist():
        like = by_content.get(int(own[new]))
        number = UNSEEN + int(own[new]) % UNSEEN
        alone = (number, 1, 1) if like is None else (table[like, 0], table[like, 1], 0)
        found[new, :3] = alone
    return found, row >= 0


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
