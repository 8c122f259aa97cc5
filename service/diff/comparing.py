"""Compares two sides: added, removed, flipped, rescored, moved, and how distributions shifted."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from service.diff.distributions import Spool, category_shift, shift
from service.diff.matching import A, B, Entry, Matching, packed
from service.diff.result import Diff, SideOut
from service.diff.sides import CATEGORIES, LENGTHS, Side, categories, key_of, lengths
from service.diff.tally import Tally

EXAMPLES = 20


def compare(a: Side, b: Side, examples: int = EXAMPLES) -> Diff:
    """Reads each side once. Texts stay on disk, and one column at a time is in memory."""
    by_text = a.says is not None and a.says == b.says
    shared = [name for name in a.scores if name in b.scores]
    shared.sort()
    with tempfile.TemporaryDirectory() as folder, closing(Matching()) as matching:
        spools = [Spool(Path(folder, str(side))) for side in (A, B)]
        for side, found in ((A, a), (B, b)):
            matching.add(entries(found, side, spools[side], shared, by_text=by_text))
        tally = Tally(shared, examples)
        for match in matching.matches():
            tally.add(match)
        numbers = [*shared, *(LENGTHS if by_text else ())]
        shifts = [shift(name, *(spool.column(name) for spool in spools)) for name in numbers]
    counted = [
        category_shift(name, *(spool.counts.get(name, Counter()) for spool in spools))
        for name in CATEGORIES
        if any(name in spool.counts for spool in spools)
    ]
    changed = [each for each in (tally.score(name) for name in shared) if each.pairs]
    of_a, of_b = side_out(a, b, tally.pairs[A]), side_out(b, a, tally.pairs[B])
    return Diff(
        same=tally.same and of_a.only == of_b.only,
        a=of_a,
        b=of_b,
        flips_told=by_text,
        scores=changed,
        numbers=shifts,
        categories=counted,
        **tally.by_name(),
    )


def side_out(side: Side, other: Side, pairs: int) -> SideOut:
    only = sorted({*side.scores} - {*other.scores})
    return SideOut(name=side.name, pairs=pairs, gone=side.gone, only=only)


def entries(
    found: Side, side: int, spool: Spool, shared: Sequence[str], *, by_text: bool
) -> Iterator[Entry]:
    for row in found.rows():
        numbers = {name: row.get(name) for name in shared}
        spool.add({**numbers, **(lengths(row) if by_text else {})}, categories(row))
        key, toward = key_of(row, by_text=by_text)
        scores = packed([*numbers.values()])
        yield Entry(key, side, row["pair_id"], toward, row.get("split", ""), scores)
