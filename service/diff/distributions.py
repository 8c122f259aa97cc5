"""How far two samples lie apart, column by column, with one column in memory at a time."""

from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

Floats = NDArray[np.float64]
FLUSH = 1 << 15  # values that wait for the disk
BLOCK = 1 << 16  # values that are compared at once
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN = 20  # values of a category that are named


class Sample(BaseModel):
    """Null where there is no value."""

    values: int = Field(examples=[1000])
    missing: int = Field(examples=[0])
    mean: float | None = Field(examples=[0.21])
    quantiles: tuple[float, ...] | None = Field(
        description="at 0.05, 0.25, 0.5, 0.75, 0.95", examples=[[-0.3, 0.0, 0.2, 0.4, 0.8]]
    )


class Shift(BaseModel):
    """A numeric column in both."""

    name: str = Field(examples=["margin_mean"])
    a: Sample
    b: Sample
    mean_shift: float | None = Field(description="mean of b less mean of a", examples=[0.05])
    ks: float | None = Field(
        description="Kolmogorov-Smirnov: the largest gap of the two distribution functions, 0..1",
        examples=[0.08],
    )
    wasserstein: float | None = Field(
        description="mean way from one to the other, in the column's unit", examples=[0.06]
    )


class CategoryShift(BaseModel):
    """A column of names; the commonest of each side."""

    name: str = Field(examples=["split"])
    a: dict[str, int] = Field(examples=[{"train": 95, "test": 5}])
    b: dict[str, int] = Field(examples=[{"train": 90, "test": 10}])
    total_variation: float | None = Field(
        description="half of the summed differences of shares, 0..1", examples=[0.05]
    )


class Spool:
    """The numbers of one side, a file a column."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.waiting: dict[str, array[float]] = {}
        self.places: dict[str, int] = {}
        self.counts: dict[str, Counter[str]] = {}

    def add(self, numbers: Mapping[str, float | None], names: Mapping[str, str]) -> None:
        for name, value in numbers.items():
            waiting = self.waiting.setdefault(name, array("d"))
            waiting.append(float("nan") if value is None else value)
            if len(waiting) >= FLUSH:
                self.flush(name)
        for name, value in names.items():
            self.counts.setdefault(name, Counter())[value] += 1

    def flush(self, name: str) -> Path:
        """Files are numbered: a column may have any name."""
        path = self.folder / str(self.places.setdefault(name, len(self.places)))
        with path.open("ab") as file:
            self.waiting[name].tofile(file)
        self.waiting[name] = array("d")
        return path

    def column(self, name: str) -> Floats:
        """Empty where no row had it."""
        if name not in self.waiting:
            return np.empty(0)
        return np.fromfile(self.flush(name), np.float64)


def shift(name: str, a: Floats, b: Floats) -> Shift:
    """Both are sorted in place: a column may be as long as there is memory for."""
    a.sort()
    b.sort()  # NaN comes last
    of_a, of_b = sample(a), sample(b)
    if of_a.mean is None or of_b.mean is None:
        return Shift(name=name, a=of_a, b=of_b, mean_shift=None, ks=None, wasserstein=None)
    ks, wasserstein = distances(a[: of_a.values], b[: of_b.values])
    apart = of_b.mean - of_a.mean
    return Shift(name=name, a=of_a, b=of_b, mean_shift=apart, ks=ks, wasserstein=wasserstein)


def sample(column: Floats) -> Sample:
    """Of a sorted column, so that the sum does not depend on the order."""
    known = column[: len(column) - int(np.isnan(column).sum())]
    return Sample(
        values=len(known),
        missing=len(column) - len(known),
        mean=float(known.mean()) if len(known) else None,
        quantiles=tuple(np.quantile(known, QUANTILES).tolist()) if len(known) else None,
    )


def distances(a: Floats, b: Floats) -> tuple[float, float]:
    """Kolmogorov-Smirnov and Wasserstein distance of two sorted samples, a block at a time.

    The first is the largest |F_a - F_b|, the second its integral.
    """
    largest = whole = gap = 0.0
    last = np.nextafter(min(a[0], b[0]), -np.inf)
    for cut in np.union1d(ends(a), ends(b)):
        values = np.union1d(*(each[after(each, last) : after(each, cut)] for each in (a, b)))
        if not len(values):
            continue  # a value longer than a block
        shares = (np.searchsorted(each, values, "right") / len(each) for each in (a, b))
        gaps = np.abs(next(shares) - next(shares))
        whole += gap * float(values[0] - last) + float(gaps[:-1] @ np.diff(values))
        largest, gap, last = max(largest, float(gaps.max())), float(gaps[-1]), values[-1]
    return largest, whole


def ends(column: Floats) -> Floats:
    """The last value of each block."""
    return np.append(column[BLOCK - 1 :: BLOCK], column[-1])


def after(column: Floats, value: float) -> int:
    return int(np.searchsorted(column, value, "right"))


def category_shift(name: str, a: Counter[str], b: Counter[str]) -> CategoryShift:
    apart = None
    if a and b:
        names = sorted({*a, *b})
        apart = sum(abs(a[each] / a.total() - b[each] / b.total()) for each in names) / 2
    return CategoryShift(name=name, a=commonest(a), b=commonest(b), total_variation=apart)


def commonest(counts: Counter[str]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return dict(ordered[:SHOWN])
