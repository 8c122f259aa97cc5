"""`prefsift what-if`: what a threshold of a score would keep, at all thresholds at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from curation.thresholds.sweep import Side
from service.cli.advise import looks_like_a_file
from service.cli.connection import connect
from service.cli.remote import dataset_named, follow

ATTEMPTS = 3  # a dataset that changes under the job is sketched again
MOST_SOURCES = 4  # columns of the second table
LETTERS = 14  # of a source's name
NOTHING = "–"

Thresholds = Annotated[list[float] | None, typer.Option(help="A threshold; repeatable.")]
KeepOption = Annotated[Side, typer.Option(help="high: values from the threshold up; low: to it.")]


def what_if(
    source: Annotated[str, typer.Argument(help="Name or id of a dataset, or a file.")],
    by: Annotated[
        str | None, typer.Option(help="signal.output, chosen.length, votes, …; else p_correct.")
    ] = None,
    also: Annotated[str | None, typer.Option("--and", help="A second one, together.")] = None,
    at: Thresholds = None,
    also_at: Annotated[
        list[float] | None, typer.Option("--and-at", help="Of the second; repeatable.")
    ] = None,
    keep: KeepOption = "high",
    also_keep: Annotated[Side, typer.Option("--and-keep", help="Of the second.")] = "high",
    points: Annotated[int | None, typer.Option(min=1, max=1000, help="Thresholds to try.")] = None,
    cost: Annotated[
        str | None, typer.Option(help='A price: "$2 per 1M tokens" or "$0.05 per pair".')
    ] = None,
    noise: Annotated[
        str | None, typer.Option(help="The p_correct that noise is estimated by.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0, max=0.49, help="Of wrong labels in all; else the most there can be."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the curves as an SVG file.")] = None,
    layout: Annotated[str | None, typer.Option(help="Of a file; see `prefsift formats`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Show how many rows, tokens and dollars each threshold of a score keeps, and how noisy.

    A dataset is answered from a sketch that a worker makes once. A file is scored here.

    Example: prefsift what-if mine --by reward_margin.p_correct --cost "$2 per 1M tokens"

    Example: prefsift what-if mine --by reward_margin --and knn_novelty --picture grid.svg
    """
    if picture is not None and picture.suffix != ".svg":
        raise typer.BadParameter("is an .svg file", param_hint="--picture")
    if Path(source).is_file():
        from service.what_if.asked import Given
        from service.what_if.files import told_of

        wanted = (by, also, keep, also_keep, at or [], also_at or [], points, cost, noise, rate)
        told = told_of([Path(source)], Given(*wanted), layout)
    elif layout is not None or looks_like_a_file(source):
        raise typer.BadParameter(f"can't read {source}", param_hint="SOURCE")
    else:
        asked: dict[str, Any] = {
            "by": by, "and": also, "at": at, "and_at": also_at, "keep": keep, "points": points,
            "and_keep": also_keep, "cost": cost, "noise": noise, "rate": rate,
        }  # fmt: skip
        told = of_dataset(source, asked)
    if picture is not None:
        from service.what_if.picture import draw

        picture.write_text(draw(told), "utf-8")
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        tell(told)


def of_dataset(name: str, asked: dict[str, Any]) -> dict[str, Any]:
    api = connect()
    path = f"/datasets/{dataset_named(api, name)}/what-if"
    told = api.get(path, **asked)
    for _ in range(ATTEMPTS):
        if told["job"] is None:
            break
        follow(api, told["job"])
        told = api.get(path, **asked)
    if told["job"] is not None:
        raise typer.BadParameter("changes all the time: ask again later", param_hint="SOURCE")
    return told


def tell(told: Mapping[str, Any]) -> None:
    """Two tables at most, 80 columns wide, and what the numbers are worth."""
    console = Console(highlight=False)
    axes = told["by"]
    names = [f"{axis['field']} {'≥' if axis['keep'] == 'high' else '≤'} …" for axis in axes]
    console.print(Text(" and ".join(names), style="bold"))
    if not told["points"]:
        console.print(Text(f"none of {told['rows']:,} rows has a value"))
        return
    console.print(kept_table(told))
    if len(told["all"]["sources"]) > 1 and len(axes) == 1:
        console.print(source_table(told))
    for line in in_words(told):
        console.print(Text(line))


def kept_table(told: Mapping[str, Any]) -> Table:
    two, priced = len(told["by"]) == 2, told["cost"] is not None
    table = Table(box=None, pad_edge=False, padding=(0, 1 if priced else 2, 0, 0))
    headings = ["from" if told["by"][0]["keep"] == "high" else "up to", *(["and"] if two else [])]
    noise = "noise ≤" if told["noise"]["given"] is False else "noise"
    headings += ["rows", "kept", "tokens", *(["cost", "saved"] if priced else [])]
    for heading in [*headings, "doubt", noise, "margin", "longer"]:
        table.add_column(heading, justify="right", no_wrap=True)
    every: Mapping[str, Any] = {**told["all"], "at": None, "and_at": None}
    for point in [every, *told["points"]]:
        row = [NOTHING if point["at"] is None else f"{point['at']:.4g}"]
        if two:
            row.append(NOTHING if point["and_at"] is None else f"{point['and_at']:.4g}")
        row += [f"{point['rows']:,}", f"{point['share']:.1%}", short(point["tokens"])]
        if priced:
            row += [f"${point['cost']:,.2f}", f"${point['saved']:,.2f}"]
        row += [
            percent(point["doubt"]),
            percent(point["noise"]),
            decimal(point["margin"]),
            percent(point["longer"]),
        ]
        table.add_row(*row)
    return table


def source_table(told: Mapping[str, Any]) -> Table:
    """Shares of the largest sources among the kept."""
    found = told["all"]["sources"]
    names: Sequence[str] = sorted(found, key=lambda name: -found[name])[:MOST_SOURCES]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("from" if told["by"][0]["keep"] == "high" else "up to", justify="right")
    for name in names:
        shown = name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
        table.add_column(Text(shown), justify="right", no_wrap=True)
    for point in told["points"]:
        rows = point["rows"]
        shares = [percent(point["sources"][name] / rows if rows else None) for name in names]
        table.add_row(f"{point['at']:.4g}", *shares)
    return table


def in_words(told: Mapping[str, Any]) -> list[str]:
    error, noise = told["error"], told["noise"]
    said = [
        f"{told['rows']:,} rows, {told['missing']:,} of them without a value. Between the "
        f"thresholds above, rows are off by at most {error['rows']:,} ({error['share']:.2%})."
    ]
    if noise["reason"]:
        said.append(f"noise can't be said: {noise['reason']}.")
    else:
        said += [f"doubt: {noise['doubt']}.", f"noise: {noise['meaning']}."]
    if told["all"]["margin"] is not None:
        said.append(f"margin: mean of {told['margin']}.")
    return said


def short(count: int) -> str:
    """Of tokens: 1.2M, 340k."""
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"


def decimal(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3g}"
