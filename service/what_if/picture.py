"""The picture of a what-if answer: curves over the threshold, or the grid of two of them."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from service.report.charts import STYLE, svg

COLOURED = {"noise": "wrong labels, %", "doubt": "doubt, %"}


def draw(told: Mapping[str, Any]) -> str:
    """An answer of the API (or of a file) as the `<svg>` element."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "what-if"}):
        return curves(told) if len(told["by"]) == 1 else grid(told)


def curves(told: Mapping[str, Any]) -> str:
    """Kept rows, and below them noise and longer wins, each over the threshold."""
    [axis] = told["by"]
    points = told["points"]
    at = [point["at"] for point in points]
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True)
    upper.plot(at, [100 * point["share"] for point in points], ".-", color="#2563eb")
    upper.set_ylabel("rows kept, %")
    upper.set_ylim(bottom=0)
    shown = (
        ("noise", "wrong labels, %", "#dc2626"), ("doubt", "doubt, %", "#f59e0b"),
        ("longer", "longer wins, %", "#94a3b8"),
    )  # fmt: skip
    for name, label, colour in shown:
        there = [(x, point[name]) for x, point in zip(at, points, strict=True)]
        known = [(x, 100 * value) for x, value in there if value is not None]
        if known:
            lower.plot(*zip(*known, strict=True), ".-", color=colour, label=label)
    lower.set_xlabel(f"{axis['field']} {sign(axis)} …")
    lower.set_ylim(bottom=0)
    if lower.lines:
        lower.legend(frameon=False)
    return svg(figure)


def grid(told: Mapping[str, Any]) -> str:
    """A cell a combination: its colour the noise, else the doubt; its rows written."""
    first, second = told["by"]
    rows = sorted({point["at"] for point in told["points"]})
    columns = sorted({point["and_at"] for point in told["points"]})
    shown = next(
        (name for name in COLOURED if any(each[name] is not None for each in told["points"])),
        "share",
    )
    values = np.full((len(rows), len(columns)), np.nan)
    figure = Figure(figsize=(7.2, 1.2 + 0.45 * max(len(rows), 4)), layout="constrained")
    axes = figure.subplots()
    for point in told["points"]:
        y, x = rows.index(point["at"]), columns.index(point["and_at"])
        values[y, x] = np.nan if point[shown] is None else 100 * point[shown]
        axes.annotate(f"{point['rows']:,}", (x, y), ha="center", va="center", fontsize=8)
    drawn = axes.imshow(
        values, cmap="Blues" if shown == "share" else "RdYlGn_r", aspect="auto", alpha=0.7
    )
    figure.colorbar(drawn, label=COLOURED.get(shown, "rows kept, %"))
    axes.set_xticks(range(len(columns)), [f"{each:.4g}" for each in columns])
    axes.set_yticks(range(len(rows)), [f"{each:.4g}" for each in rows])
    axes.set_xlabel(f"{second['field']} {sign(second)} …")
    axes.set_ylabel(f"{first['field']} {sign(first)} …")
    return svg(figure)


def sign(axis: Mapping[str, Any]) -> str:
    return "≥" if axis["keep"] == "high" else "≤"
