"""Why a pair counts as contaminated: which words of which text are which item's, which cosine."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from curation.grouping.contamination import Hit, span
from curation.items import Floats, Pairs
from curation.signals import Column
from curation.signals.contamination import Contamination

FIELDS = ("prompt", "chosen", "rejected")
MOST_ITEMS = 20  # that one text repeats
AROUND = 300  # characters of an item that are shown


def evidence(
    signal: Contamination, pairs: Pairs, cosines: Floats, nearest: Floats
) -> Iterator[dict[str, Any]]:
    """One entry for each text and item with n-grams in common, of a text at most `MOST_ITEMS` and
    `of` how many, and one for each cosine that is large enough, pair by pair."""
    hits: dict[int, list[Hit]] = {}
    for hit in signal.hits(pairs, MOST_ITEMS):
        hits.setdefault(hit.text % len(pairs), []).append(hit)
    texts = (pairs.prompts, pairs.chosen, pairs.rejected)
    for row, pair_id in enumerate(pairs.ids):
        for hit in hits.get(row, []):
            side = hit.text // len(pairs)
            text = texts[side][row]
            start, end = span(text, hit.start, hit.end)
            yield {
                "pair_id": pair_id, "kind": "ngrams", "field": FIELDS[side], "start": start,
                "end": end, "text": text[start:end], "ngrams": hit.ngrams, "share": hit.share,
                "item": hit.item, "item_text": signal.against[hit.item][:AROUND], "of": hit.of,
                "cosine": None,
            }  # fmt: skip
        if np.isfinite(cosines[row]) and cosines[row] >= signal.cosine:
            item = int(nearest[row])
            yield {
                "pair_id": pair_id, "kind": "embedding", "field": None, "start": None, "end": None,
                "text": None, "ngrams": None, "share": None, "item": item,
                "item_text": signal.against[item][:AROUND], "of": 1, "cosine": float(cosines[row]),
            }  # fmt: skip


def of_columns(
    signal: Contamination, pairs: Pairs, columns: dict[str, Column]
) -> Iterator[dict[str, Any]]:
    """Of the pairs that are not clean, as the signal scored them."""
    rows = np.flatnonzero(columns["clean"].values == 0)
    if len(rows):
        values = [columns[name].values[rows] for name in ("cosine", "nearest")]
        yield from evidence(signal, pairs.take(rows), *values)


def without_vectors(signal: Contamination, pairs: Pairs) -> Iterator[dict[str, Any]]:
    """By n-grams alone."""
    if len(pairs):
        nothing = np.full(len(pairs), np.nan)
        yield from evidence(signal, pairs, nothing, nothing)


def contaminated(found: Sequence[dict[str, Any]]) -> int:
    return len({each["pair_id"] for each in found})
