"""report.html: one file without scripts or links to elsewhere, for whoever got the folder."""

import jinja2

from service.report import charts, words
from service.report.report import Report

templates = jinja2.Environment(
    loader=jinja2.PackageLoader("service.report", "."),
    autoescape=True,  # texts come from strangers
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(report: Report) -> str:
    """The page; the same report gives the same text."""
    heads = words.heads(report.evaluation)
    return templates.get_template("report.html").render(
        report=report,
        words=words,
        heads=heads,
        accuracies=charts.accuracies(heads) if heads else "",
        curve=charts.learning_curve(report.evaluation),
        margins=charts.margins(report.margins) if report.margins else "",
    )
