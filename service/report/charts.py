"""The report's pictures: SVG text, the same bytes for the same numbers."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from curation.evaluation.curves import Fitted
from service.report import words
from service.report.report import Histogram

COLOURS = {"subset": "#2563eb", "random": "#94a3b8", "full": "#0f172a"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, found and copied
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#94a3b8",
    "axes.labelcolor": "#334155",
    "xtick.color": "#475569",
    "ytick.color": "#334155",
}


def accuracies(heads: Sequence[Mapping[str, Any]]) -> str:
    """Points with 95 % intervals: each head trained on the subset, a random one, and all pairs."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "accuracies"}):
        figure = Figure(figsize=(7.2, 0.5 + 1.35 * len(heads)), layout="constrained")
        axes = figure.subplots()
        ticks: list[tuple[float, str]] = []
        for group, head in enumerate(heads):
            for place, (name, colour) in enumerate(COLOURS.items()):
                y = group * 4 + place
                ticks.append((y, words.SETS[name]))
                point(axes, y, head[name], colour)
            axes.annotate(
                f"{head['name']} head", (0, group * 4 - 0.75), xycoords=("axes fraction", "data"),
                fontweight="bold", color="#0f172a", va="center",
            )  # fmt: skip
        axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
        axes.set_ylim(len(heads) * 4 - 1, -1.4)
        lows = [
            head[name].get("low") or head[name]["accuracy"] for head in heads for name in COLOURS
        ]
        axes.set_xlim(left=max(0.0, min([0.5, *lows]) - 0.03))
        axes.axvline(0.5, color="#cbd5e1", linewidth=1, zorder=0)
        axes.set_xlabel("accuracy on held-out prompts (0.5 = guessing)")
        return svg(figure)


def point(axes: Any, y: float, figures: Mapping[str, Any], colour: str) -> None:
    """No bar: the axis does not begin at 0, and a bar's length would exaggerate."""
    end = value = figures["accuracy"]
    if figures.get("low") is not None:
        end = figures["high"]
        axes.plot([figures["low"], end], [y, y], color=colour, linewidth=4, alpha=0.35)
    axes.plot([value], [y], "o", color=colour, markersize=8)
    axes.annotate(
        f"{100 * value:.1f} %", (max(end, value), y), (8, 0), textcoords="offset points",
        va="center", color="#0f172a",
    )  # fmt: skip


def learning_curve(evaluation: Mapping[str, Any] | None) -> str:
    """Accuracy over the number of random pairs by head, the fitted curve, and the subset; empty
    where no curve was asked for."""
    curves: Mapping[str, Any] = (evaluation or {}).get("curve") or {}
    if evaluation is None or not curves:
        return ""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "curve"}):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        axes = figure.subplots()
        for (name, curve), colour in zip(curves.items(), ("#94a3b8", "#0f172a"), strict=False):
            axes.plot(curve["sizes"], curve["accuracy"], "o", color=colour, label=f"{name} head")
            if curve["shape"]:
                n = np.geomspace(curve["sizes"][0], curve["sizes"][-1], 60)
                fit = Fitted(curve["shape"], curve["a"], curve["b"], curve["c"], 0.0)
                axes.plot(n, fit.at(n), color=colour, linewidth=1)
            if curve["recommended"]:
                axes.axvline(curve["recommended"], color=colour, linewidth=1, linestyle=":")
            mine = evaluation["heads"][name]["subset"]["accuracy"]
            axes.plot([evaluation["size"]], [mine], "D", color="#2563eb")
        axes.set_xscale("log")
        axes.set_xlabel("pairs learnt from (diamonds: the subset; dotted: enough)")
        axes.set_ylabel("accuracy")
        axes.legend(frameon=False)
        return svg(figure)


def margins(histogram: Histogram) -> str:
    """Shares of the kept and of the dropped pairs over the margin."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "margins"}):
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        axes = figure.subplots()
        sets = (("dropped", histogram.dropped, "#94a3b8"), ("kept", histogram.kept, "#2563eb"))
        for label, counts, colour in sets:
            total = sum(counts) or 1
            shares = [count / total for count in counts]
            axes.stairs(shares, histogram.edges, fill=True, color=colour, alpha=0.55, label=label)
        axes.axvline(0, color="#cbd5e1", linewidth=1, zorder=0)
        axes.set_xlabel(f"{histogram.name.replace('_', ' ')} (below 0: the scorer disagrees)")
        axes.set_ylabel("share of pairs")
        axes.legend(frameon=False)
        return svg(figure)


def svg(figure: Figure) -> str:
    """The `<svg>` element alone: no declaration, no date, no trace of the version."""
    buffer = io.StringIO()
    metadata: Any = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=metadata, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
