"""The pictures of an audit: SVG text, the same bytes for the same numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from curation.items import Floats
from service.report.charts import STYLE, svg

BLUE, GREY, ORANGE, INK = "#2563eb", "#94a3b8", "#f97316", "#0f172a"
LINES = (BLUE, ORANGE, "#16a34a", "#9333ea", INK, GREY)
NAMED = 40  # letters of a name
FEW = 10  # votes below which a point says nothing
SHOWN = 25  # annotators, and factors, in a picture


def doubts(p_correct: Floats) -> str:
    """How many labels are how likely to be right; empty without any."""
    known = p_correct[np.isfinite(p_correct)]
    if len(known) == 0:
        return ""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "doubts"}):
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        axes = figure.subplots()
        counts, edges = np.histogram(known, bins=25, range=(0, 1))
        colours = [ORANGE if edge < 0.5 else BLUE for edge in edges[:-1]]
        axes.bar(edges[:-1], counts, width=0.038, align="edge", color=colours)
        axes.set_xlim(0, 1)
        axes.set_xlabel("P(the label is right), given everything known")
        axes.set_ylabel("labels")
        return svg(figure)


def annotators(rows: Sequence[Mapping[str, Any]]) -> str:
    """Reliabilities with 95 % intervals, best first; empty where none is known."""
    known = [row for row in rows if row["reliability"] is not None]
    if not known:
        return ""
    half = SHOWN // 2
    shown = known if len(known) <= SHOWN else [*known[: SHOWN - half], *known[-half:]]
    with mpl.rc_context({**STYLE, "svg.hashsalt": "annotators"}):
        figure = Figure(figsize=(7.2, 0.8 + 0.24 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for y, row in enumerate(shown):
            axes.plot([row["low"], row["high"]], [y, y], color=GREY, linewidth=3)
            axes.plot(row["reliability"], y, "o", color=BLUE)
        if len(shown) < len(known):
            between = f"{len(known) - len(shown)} others"
            axes.axhline(SHOWN - half - 0.5, color=GREY, linewidth=1, linestyle=":")
            axes.annotate(between, (0.5, SHOWN - half - 0.5), xycoords=("axes fraction", "data"),
                          color=GREY, ha="center", va="bottom", fontsize=8)  # fmt: skip
        axes.set_yticks(range(len(shown)), [shortened(str(row["name"])) for row in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.axvline(0.5, color="#cbd5e1", linewidth=1, zorder=0)
        axes.set_xlabel("share of decided votes that are right (0.5 = guessing)")
        return svg(figure)


def shortened(name: str) -> str:
    return name if len(name) <= NAMED else f"{name[: NAMED - 1]}…"


def habits(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> str:
    """Coefficients with 95 % intervals, before and after doubtful labels are taken out."""
    shown = before[:SHOWN]
    if not shown:
        return ""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "habits"}):
        figure = Figure(figsize=(7.2, 0.9 + 0.3 * len(shown)), layout="constrained")
        axes = figure.subplots()
        later = {row["name"]: row for row in after}
        for y, row in enumerate(shown):
            interval(axes, row, y - 0.14, BLUE, "labels as given" if y == 0 else None)
            if row["name"] in later:
                name = "as they would be kept" if y == 0 else None
                interval(axes, later[row["name"]], y + 0.14, ORANGE, name)
        axes.set_yticks(range(len(shown)), [row["name"].replace("_", " ") for row in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.axvline(0, color="#cbd5e1", linewidth=1, zorder=0)
        axes.set_xlabel("log-odds of being preferred, per standard deviation more of it")
        axes.legend(frameon=False, loc="lower right")
        return svg(figure)


def interval(axes: Any, row: Mapping[str, Any], y: float, colour: str, label: str | None) -> None:
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, alpha=0.6)
    axes.plot(row["coefficient"], y, "o", color=colour, markersize=4, label=label)


def rates(rows: Sequence[Mapping[str, Any]]) -> str:
    """Noise rates that could be estimated, with 95 % intervals; empty where none could."""
    known = [row for row in rows if row["rate"] is not None]
    if not known:
        return ""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "rates"}):
        figure = Figure(figsize=(7.2, 0.8 + 0.4 * len(known)), layout="constrained")
        axes = figure.subplots()
        for y, row in enumerate(known):
            axes.plot([row["low"], row["high"]], [y, y], color=GREY, linewidth=4)
            axes.plot(row["rate"], y, "o", color=INK)
        axes.set_yticks(range(len(known)), [row["name"] for row in known])
        axes.set_ylim(len(known) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("share of labels that are wrong")
        return svg(figure)


def calibration(rows: Sequence[Mapping[str, Any]]) -> str:
    """How often what was foretold came true, by how sure it was; a line each group."""
    known = [row for row in rows if row["table"]][: len(LINES)]
    if not known:
        return ""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "calibration"}):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.plot([0.5, 1], [0.5, 1], color="#cbd5e1", linewidth=1, zorder=0)
        for row, colour in zip(known, LINES, strict=False):
            bins = [each for each in row["table"] if each["rows"] >= FEW]
            x, y = ([each[name] for each in bins] for name in ("confidence", "accuracy"))
            axes.plot(x, y, "o-", color=colour, markersize=4, label=row["group"])
        axes.set_xlim(0.5, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel("how sure it was foretold")
        axes.set_ylabel("how often it came true")
        axes.legend(frameon=False, loc="lower right")
        return svg(figure)
