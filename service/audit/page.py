"""report.html of an audit: one file, without scripts or links to elsewhere."""

from typing import Any

import jinja2
from markupsafe import Markup

from curation.items import Floats
from service.audit import charts

templates = jinja2.Environment(
    loader=jinja2.PackageLoader("service.audit", "."),
    autoescape=True,  # texts come from strangers
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


templates.filters |= {"percent": percent, "decimal": decimal}


def render(report: dict[str, Any], p_correct: Floats) -> str:
    """The page; the same report gives the same text."""
    pictures = {
        "doubts": charts.doubts(p_correct),
        "annotators": charts.annotators(report["annotators"]),
        "habits": charts.habits(report["habits"]["before"], report["habits"]["after"]),
        "calibration": charts.calibration(report["calibration"]),
        "rates": charts.rates(report["noise_rates"]),
    }
    shown = {name: Markup(svg) for name, svg in pictures.items()}  # made here, of numbers
    return templates.get_template("audit.html").render(report=report, pictures=shown)
