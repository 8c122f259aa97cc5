"""The report in the terminal: the same numbers as tables."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from service.report import words
from service.report.report import Report

COLOURS = {"yes": "green", "no": "red"}


def render(report: Mapping[str, Any]) -> RenderableType:
    """A Report as JSON (a manifest's `report`), readable in 80 columns."""
    found = Report.model_validate(report)
    answer = words.short_verdict(found.evaluation)
    parts: list[RenderableType] = [
        Text(f"{found.recipe.title}: {found.counts.kept:,} of {found.counts.pairs:,} pairs kept"
             f" (budget {found.budget}, seed {found.seed})", style="bold"),
        Text(f"Better than random? {answer}", style=f"bold {COLOURS.get(answer, 'yellow')}"),
        Text(words.verdict(found.evaluation)),
    ]  # fmt: skip
    heads = words.heads(found.evaluation)
    if heads:
        parts.append(accuracy_table(heads))
    if gate := words.gate(found.evaluation):
        parts.append(Text(gate))
    parts += [composition_table(found), reason_table(found)]
    parts += [
        Text(f"{scorer.name}, on rows it had not seen: {words.metrics(scorer.metrics)}")
        for scorer in found.scorers
        if scorer.metrics
    ]
    parts += [Text(f"Left out: {line}", style="yellow") for line in found.degraded]
    return Group(*parts)


def accuracy_table(heads: list[dict[str, Any]]) -> Table:
    """A column a head: its name is short, the intervals are long."""
    table = Table(title="accuracy on held-out prompts, 95 % interval", title_justify="left")
    table.add_column("trained on")
    for head in heads:
        table.add_column(f"{head['name']} head", justify="right")
    for name, label in (
        ("subset", "subset"),
        ("random", "random, same size"),
        ("full", "all pairs"),
    ):
        table.add_row(label, *(escape(words.interval(head[name])) for head in heads))
    table.add_section()
    table.add_row(
        "subset − random", *(escape(words.signed_interval(head["difference"])) for head in heads)
    )
    return table


def composition_table(report: Report) -> Table:
    table = Table(title="before and after", title_justify="left")
    table.add_column("")
    table.add_column("all pairs", justify="right")
    table.add_column("kept", justify="right")
    for change in report.composition:
        table.add_row(
            change.name,
            words.measure(change.before, change.unit),
            words.measure(change.after, change.unit),
        )
    return table


def reason_table(report: Report) -> Table:
    table = Table(title="pairs and rejected lines by reason", title_justify="left")
    table.add_column("reason")
    table.add_column("count", justify="right")
    for code, count in report.reasons.items():
        table.add_row(escape(words.reason(code)), f"{count:,}")
    for code, count in report.rejects.items():
        table.add_row(escape(f"line rejected: {code}"), f"{count:,}")
    return table
