"""Krippendorff's alpha against a second implementation, made from his coincidence matrix alone."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.agreement.alpha import Level, alpha
from curation.items import Floats

X = np.nan
# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section D: 4 observers, 12 units.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
        [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
    ]
)
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")


def coincidences(values: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """The values that occur, and o_ck: the ordered pairs of values within a unit, each unit's pairs
    weighing 1 / (m_u − 1)."""
    units = [column[np.isfinite(column)] for column in values.T]
    units = [unit for unit in units if len(unit) > 1]
    known = np.unique(np.concatenate(units))
    table = np.zeros((len(known), len(known)))
    for unit in units:
        for i, c in enumerate(unit):
            for j, k in enumerate(unit):
                if i != j:
                    at = np.searchsorted(known, [c, k])
                    table[at[0], at[1]] += 1 / (len(unit) - 1)
    return known, table


def distance(level: Level, known: Floats, marginal: Floats, c: int, k: int) -> float:
    low, high = min(c, k), max(c, k)
    if level == "nominal":
        return float(c != k)
    if level == "ordinal":
        return float(marginal[low : high + 1].sum() - (marginal[c] + marginal[k]) / 2) ** 2
    if level == "interval":
        return float(known[c] - known[k]) ** 2
    return float((known[c] - known[k]) / (known[c] + known[k])) ** 2


def by_hand(values: Floats, level: Level) -> float:
    """1 − (n − 1) Σ o_ck δ_ck / Σ n_c n_k δ_ck."""
    known, table = coincidences(values)
    marginal = table.sum(axis=1)
    at = range(len(known))
    apart = np.array([[distance(level, known, marginal, c, k) for k in at] for c in at])
    expected = float((np.outer(marginal, marginal) * apart).sum())
    return 1 - (marginal.sum() - 1) * float((table * apart).sum()) / expected


@pytest.mark.parametrize(
    ("level", "worked"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_the_worked_example_of_the_paper(level: Level, worked: float) -> None:
    assert by_hand(OBSERVERS, level) == pytest.approx(worked, abs=5e-4)
    assert alpha(OBSERVERS, level) == pytest.approx(worked, abs=5e-4)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.7])
def test_both_agree_on_random_grids(level: Level, missing: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(5):
        truth = rng.integers(1, 6, 40)
        noise = rng.integers(-1, 2, (5, 40))
        grid = np.clip(truth + noise, 1, 5).astype(float)
        grid[rng.random(grid.shape) < missing] = X
        assert alpha(grid, level) == pytest.approx(by_hand(grid, level), abs=1e-9)


def test_it_does_not_matter_who_is_who_nor_which_unit_comes_first() -> None:
    rng = np.random.default_rng(0)
    turned = OBSERVERS[rng.permutation(4)][:, rng.permutation(12)]
    for level in LEVELS:
        assert alpha(turned, level) == pytest.approx(alpha(OBSERVERS, level), abs=1e-12)


@pytest.mark.realdata
def test_both_agree_on_dialogues_of_two_to_seven_raters(data: Path) -> None:
    with gzip.open(data / "ab_redial" / "annotated_dialogues.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    said: dict[str, list[float]] = {}
    for row in rows:
        if row["dialogue-overall"]:
            said.setdefault(row["ConvId"], []).append(float(row["dialogue-overall"]))
    grid = np.full((max(map(len, said.values())), len(said)), X)
    for at, values in enumerate(said.values()):
        grid[: len(values), at] = values
    oracles: dict[Level, float] = {"interval": 0.324, "ordinal": 0.310}
    for level, known in oracles.items():
        assert by_hand(grid, level) == pytest.approx(known, abs=5e-4)
        assert alpha(grid, level) == pytest.approx(by_hand(grid, level), abs=1e-9)
