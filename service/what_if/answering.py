"""A sketch and a request -> what each threshold would keep, as JSON values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.thresholds.noise import KNOTS, wrong
from curation.thresholds.quantities import (
    LONGER,
    SHORTER,
    TOKENS,
    at_knot,
    known,
    of_source,
    total,
)
from curation.thresholds.sketch import ROWS
from curation.thresholds.sweep import Side, kept, steps
from service.composing.costs import ESTIMATE
from service.what_if.asked import Asked
from service.what_if.stored import Told

OTHER = "other sources"
NO_CHANCE = "the dataset has no p_correct: score it with reward_margin or label_trust"
ALL_MISSING = "no pair has a value of {name}"
EVENLY = "if labels are turned round whatever the pair"
GIVEN = "share of wrong labels among the kept, by {name} and the given rate of {rate:.1%} in all, "
AT_MOST = (
    "share of wrong labels among the kept at the most that {name} leaves room for, {rate:.1%} in "
    "all, "
)
DOUBT = "mean of 1 - {name}: how often another label would disagree; far above the noise"


def answered(told: Told, asked: Asked) -> dict[str, Any]:
    sketch = told.sketch
    chance = asked.noise or next(iter(told.chances), None)
    rate = told.chances.get(chance or "") if asked.rate is None else asked.rate
    sides: list[Side] = [axis.side for axis in asked.axes]
    thresholds = [
        np.array(axis.at)
        if axis.at
        else steps(sketch, place, np.linspace(1, 1 / asked.points, asked.points), axis.side)
        for place, axis in enumerate(asked.axes)
    ]
    found = kept(sketch, thresholds, sides)
    reading = Reading(told, asked, chance, rate)
    every = reading.of(sketch.total)
    points: list[dict[str, Any]] = []
    for place in np.ndindex(found.least.shape):
        at = [float(column[i]) for column, i in zip(thresholds, place, strict=True)]
        own = reading.of(found.quantities[place])
        own |= {
            "rows_least": int(found.least[place].round()),
            "rows_most": int(found.most[place].round()),
        }
        points.append({"at": at[0], "and_at": at[1] if len(at) > 1 else None, **own})
    rows = every["rows"]
    return {
        "by": [{"field": axis.name, "keep": axis.side} for axis in asked.axes],
        "rows": rows,
        "missing": round(sketch.missing[0]),
        "error": {
            "rows": sketch.bound,
            "share": sketch.bound / rows if rows else 0.0,
            "bins": [int((sketch.rows(axis) > 0).sum()) for axis in range(len(asked.axes))],
        },
        "noise": about_noise(chance, rate, asked.rate is not None, every),
        "margin": told.margin,
        "tokens": ESTIMATE,
        "cost": None if asked.price is None else str(asked.price),
        "all": every,
        "points": points,
    }


def about_noise(
    name: str | None, rate: float | None, given: bool, every: Mapping[str, Any]
) -> dict[str, Any]:
    reason = None
    if name is None:
        reason = NO_CHANCE
    elif every["doubt"] is None:
        reason = ALL_MISSING.format(name=name)
    if reason is not None or rate is None:
        return {**dict.fromkeys(("rate", "given", "meaning", "doubt")), "field": name,
                "reason": reason}  # fmt: skip
    meant = (GIVEN if given else AT_MOST).format(name=name, rate=rate) + EVENLY
    doubt = DOUBT.format(name=name)
    about = {"field": name, "rate": rate, "given": given, "reason": None}
    return {**about, "meaning": meant, "doubt": doubt}


class Reading:
    """Turns the sums of some rows into means and shares of them."""

    def __init__(self, told: Told, asked: Asked, chance: str | None, rate: float | None) -> None:
        self.told, self.asked = told, asked
        self.place = {name: at for at, name in enumerate(told.sketch.names)}
        every = told.sketch.total
        self.rows, self.tokens = (float(every[self.place[name]]) for name in (ROWS, TOKENS))
        named = sum(float(every[self.place[of_source(name)]]) for name in told.sources)
        self.others = named < self.rows
        self.knots: list[int] = []
        if chance is not None:
            self.knots = [self.place[at_knot(chance, place)] for place in range(len(KNOTS))]
        self.wrong = None if rate is None else wrong(KNOTS, rate)

    def of(self, sums: NDArray[np.float64]) -> dict[str, Any]:
        def summed(name: str) -> float:
            return float(sums[self.place[name]])

        rows, tokens = summed(ROWS), summed(TOKENS)
        weights = sums[self.knots]
        known_rows = float(weights.sum())
        cost, every = self.dollars(rows, tokens), self.dollars(self.rows, self.tokens)
        noise = None if self.wrong is None else mean(float(weights @ self.wrong), known_rows)
        margin = self.told.margin
        return {
            "rows": round(rows),
            "share": rows / self.rows if self.rows else 0.0,
            "tokens": round(tokens),
            "cost": cost,
            "saved": None if every is None or cost is None else max(round(every - cost, 6), 0.0),
            "noise": noise if self.knots else None,
            "doubt": mean(float(weights @ (1 - KNOTS)), known_rows) if self.knots else None,
            "judged": round(known_rows),
            "margin": mean(summed(total(margin)), summed(known(margin))),
            "longer": mean(summed(LONGER), summed(LONGER) + summed(SHORTER)),
            "sources": self.composition(rows, summed),
        }

    def dollars(self, rows: float, tokens: float) -> float | None:
        price = self.asked.price
        if price is None:
            return None
        return round(price.of(round(rows if price.unit == "pair" else tokens)), 6)

    def composition(self, rows: float, summed: Any) -> dict[str, int]:
        named = {name: round(summed(of_source(name))) for name in self.told.sources}
        if self.others:
            named[OTHER] = max(round(rows) - sum(named.values()), 0)
        return named


def mean(summed: float, rows: float) -> float | None:
    """None of no rows. What floating point leaves below 0 is 0."""
    return summed / rows if rows > 0.5 else None
