"""What-if of files, without a server: their pairs are scored here, then sketched."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from curation.items import Floats, Pairs
from curation.recipes.apply import score_by_pair
from curation.signals import SIGNALS, Level, Signal, parse_signal
from curation.thresholds.binning import BINS, GRID_BINS, equal_mass
from curation.thresholds.noise import most_wrong
from curation.thresholds.quantities import SOURCES, PairColumns, quantity_names
from curation.thresholds.sketch import Sketch
from service.audit.decided import decided
from service.composing.costs import tokens_of
from service.duplicates.files import embedded
from service.errors import Invalid
from service.what_if.answering import answered
from service.what_if.asked import Given, Numbers, checked
from service.what_if.stored import CHANCES, MARGINS, Told

JUDGE = "reward_margin"  # what says how probably a label is right
LENGTHS = ("chosen.length", "rejected.length", "prompt.length")


def told_of(paths: Sequence[Path], given: Given, layout: str | None) -> dict[str, Any]:
    """The answer, as of a dataset whose pairs these are. Raises Invalid."""
    given = given._replace(by=given.by or f"{JUDGE}.p_correct")
    names = [name for name in (given.by, given.also) if name]
    kinds = [name.partition(".")[0] for name in names if name not in LENGTHS]
    pairs, source, values = columns_of(paths, kinds, layout)
    chances = [name for name in CHANCES if name in values]
    asked = checked(Numbers(list(values), chances), given)
    return {"job": None, **answered(sketched(pairs, source, values, asked.fields), asked)}


def columns_of(
    paths: Sequence[Path], kinds: Sequence[str], layout: str | None
) -> tuple[Pairs, list[str], dict[str, Floats]]:
    """The decided pairs, the source of each, and every number that they can be cut by."""
    found = decided(paths, layout)
    if found.media:
        raise Invalid("the responses are no texts: nothing here can score them", code="no_texts")
    pairs = found.pairs
    values: dict[str, Floats] = {
        name: np.array([len(text) for text in texts], np.float64)
        for name, texts in zip(LENGTHS, (pairs.chosen, pairs.rejected, pairs.prompts), strict=True)
    }
    for kind in dict.fromkeys([*kinds, JUDGE]):
        scored = score(signal_of(kind), pairs) if len(pairs) else {}
        values |= {f"{kind}.{name}": column for name, column in scored.items()}
    return pairs, found.fields["source"], values


def signal_of(kind: str) -> Signal:
    """With its default parameters. Raises Invalid where it needs more than the texts."""
    if kind not in SIGNALS or SIGNALS[kind].level == Level.text or SIGNALS[kind].facts:
        reads = (name for name, each in SIGNALS.items() if each.level != Level.text)
        texts = [name for name in reads if not SIGNALS[name].facts]
        detail = f"{kind!r} is no signal that reads texts alone: {', '.join(sorted(texts))}"
        raise Invalid(detail, code="unknown_field", field="by")
    return parse_signal({"kind": kind})


def score(signal: Signal, pairs: Pairs) -> Mapping[str, Floats]:
    """By output, NaN where there is no score."""
    ready = embedded(pairs, signal)
    own = replace(pairs, vectors={**pairs.vectors, **ready.vectors})
    return {name: column.values for name, column in score_by_pair(signal, own).items()}


def sketched(
    pairs: Pairs, source: Sequence[str], values: Mapping[str, Any], fields: Sequence[str]
) -> Told:
    named = [name for name, _ in Counter(source).most_common(SOURCES)]
    place = {name: at for at, name in enumerate(named)}
    chances = {name: most_wrong(values[name]) for name in CHANCES if name in values}
    margin = MARGINS[0]
    unknown = np.full(len(pairs), np.nan)
    columns = PairColumns(
        tokens_of(pairs, None).astype(np.float64), values[LENGTHS[0]], values[LENGTHS[1]],
        np.array([place.get(name, -1) for name in source], np.int64),
        {margin: values.get(margin, unknown)}, {name: values[name] for name in chances},
    )  # fmt: skip
    bins = BINS if len(fields) == 1 else GRID_BINS
    names = quantity_names([margin], list(chances), named)
    used = [values[name] for name in fields]
    sketch = Sketch.empty(fields, [equal_mass(column, bins) for column in used], names)
    sketch.add(used, columns.table(len(named)))
    return Told(sketch, chances, margin, named)
