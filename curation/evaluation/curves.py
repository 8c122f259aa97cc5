"""How accuracy grows with the pairs: a plateau or a power law, and how many are enough."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import minimize_scalar

from curation.items import Floats

Shape: TypeAlias = Literal["plateau", "power"]
CHANCE = 0.5
ENOUGH = 0.95  # of the way from chance to the best that is known to be reachable
PARAMETERS = 4  # a, b, c and the variance
STEPS = 60  # of the search for c
EXACT = 1e-24  # mean squared error below which a curve fits as well as numbers can


class Fitted(NamedTuple):
    """a − b e^(−c n) or a − b n^(−c), b and c >= 0; `aicc` is lower for the better description."""

    shape: Shape
    a: float
    b: float
    c: float
    aicc: float

    def at(self, n: Floats | float) -> NDArray[np.float64]:
        return np.asarray(self.a - self.b * BASES[self.shape](np.asarray(n, np.float64), self.c))


class Curve(BaseModel):
    """What a learning curve says. `sizes` and mean `accuracy` of the points.

    `recommended`: the fewest pairs that reach 95 % of the way from ½ to the `ceiling`, which is the
    plateau, or what the power law reaches with all pairs, at most 1; None where nothing is learnt,
    where fewer than 6 points say nothing, or where accuracy still grows so evenly that no plateau
    can be told (no `ceiling` either). `saved`: the share of the pairs that this leaves out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: list[int]
    accuracy: list[float]
    shape: Shape | None = None
    a: float | None = None
    b: float | None = None
    c: float | None = None
    aicc: dict[str, float] = {}
    ceiling: float | None = None
    recommended: int | None = None
    saved: float | None = None
    why: str | None = None


def decay(n: NDArray[np.float64], c: float) -> NDArray[np.float64]:
    return np.exp(-c * n)


def power(n: NDArray[np.float64], c: float) -> NDArray[np.float64]:
    return n ** (-c)


BASES: dict[Shape, Callable[[NDArray[np.float64], float], NDArray[np.float64]]] = {
    "plateau": decay, "power": power,
}  # fmt: skip


def rates(shape: Shape, n: NDArray[np.float64]) -> tuple[float, float]:
    """The lowest c that is searched, which over these sizes is a straight line, and the highest."""
    return (0.01 / n.max(), 20 / n.min()) if shape == "plateau" else (0.01, 5.0)


def fit(shape: Shape, sizes: Floats, accuracy: Floats, most: float = np.inf) -> Fitted:
    """Least squares: a and b are linear given c, and c is searched on a logarithmic grid.

    a is at most `most`. AICc with four parameters; of fewer than 6 points it can't be said and is
    infinite.
    """
    n, y = np.asarray(sizes, np.float64), np.asarray(accuracy, np.float64)
    low, high = rates(shape, n)

    def error(log_c: float) -> float:
        return solved(BASES[shape](n, float(np.exp(log_c))), y, most)[2]

    grid = np.linspace(np.log(low), np.log(high), STEPS)
    best = int(np.argmin([error(each) for each in grid]))
    near = grid[max(best - 1, 0)], grid[min(best + 1, STEPS - 1)]
    found = minimize_scalar(error, bounds=near, method="bounded", options={"xatol": 1e-10})
    c = float(np.exp(found.x if found.fun <= error(float(grid[best])) else grid[best]))
    a, b, squares = solved(BASES[shape](n, c), y, most)
    return Fitted(shape, a, b, c, aicc(len(n), squares))


def solved(
    base: NDArray[np.float64], y: NDArray[np.float64], most: float = np.inf
) -> tuple[float, float, float]:
    """a <= most, b >= 0 and the sum of squared errors of y = a − b base."""
    centred = base - base.mean()
    size = float(centred @ centred)
    b = max(-float(centred @ y) / size, 0.0) if size > 0 else 0.0
    a = float(y.mean() + b * base.mean())
    if a > most:
        a, b = most, max(float(base @ (most - y)) / float(base @ base), 0.0)
    return a, b, float(((y - a + b * base) ** 2).sum())


def aicc(points: int, squares: float) -> float:
    """n ln(RSS / n) + 2p + 2p (p + 1) / (n − p − 1)."""
    left = points - PARAMETERS - 1
    if left <= 0:
        return float("inf")
    mean = max(squares / points, EXACT)
    return points * float(np.log(mean)) + 2 * PARAMETERS + 2 * PARAMETERS * (PARAMETERS + 1) / left


def learning_curve(sizes: Sequence[int], accuracy: Sequence[float], available: int) -> Curve:
    """From one point a split and size. `available` pairs could be used."""
    n, y = np.asarray(sizes, np.float64), np.asarray(accuracy, np.float64)
    distinct = sorted(set(sizes))
    means = [float(y[n == size].mean()) for size in distinct]
    if len(n) < 6 or len(distinct) < 4:
        why = "fewer than 6 points at 4 sizes tell no curve"
        return Curve(sizes=distinct, accuracy=means, why=why)
    shapes: tuple[Shape, ...] = ("plateau", "power")
    both = [fit(shape, n, y, most=1.0) for shape in shapes]
    best = min(both, key=lambda one: one.aicc)
    ceiling = best.a if best.shape == "plateau" else float(best.at(available))
    known = {
        "sizes": distinct, "accuracy": means, "shape": best.shape, "a": best.a, "b": best.b,
        "c": best.c, "aicc": {one.shape: one.aicc for one in both}, "ceiling": ceiling,
    }  # fmt: skip
    if best.b <= 0 or ceiling <= CHANCE:
        return Curve.model_validate({**known, "why": "more pairs are not seen to help"})
    enough = CHANCE + ENOUGH * (ceiling - CHANCE)
    if best.shape == "plateau" and straight(best, n, enough):
        why = "accuracy still grows so evenly that no plateau can be told: more would help"
        return Curve.model_validate({**known, "ceiling": None, "why": why})
    reached = np.flatnonzero(best.at(np.arange(1.0, available + 1)) >= enough)
    if len(reached) == 0:
        why = f"{available} pairs do not reach 95 % of the plateau: more would help"
        return Curve.model_validate({**known, "why": why})
    count = int(reached[0]) + 1
    return Curve.model_validate({**known, "recommended": count, "saved": 1 - count / available})


def straight(curve: Fitted, n: NDArray[np.float64], enough: float) -> bool:
    """Whether the plateau is only where the search ended: the rate is the lowest, or the points
    would have it above 1 and have not come near."""
    lowest = curve.c <= 1.01 * rates(curve.shape, n)[0]
    return lowest or (curve.a >= 1 and float(curve.at(n.max())) < enough)
