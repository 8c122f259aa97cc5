"""`prefsift query`: pairs of a dataset, filtered and ordered."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.connection import connect
from service.cli.previewing import short
from service.cli.remote import DatasetName, dataset_named, note, show
from service.cli.screen import say
from service.cli.screen import tell as facts

SHOWN = 60  # characters of a text in the table


def query(
    dataset: DatasetName,
    where: Annotated[str, typer.Option(help="A filter; see docs/filters.md.")] = "",
    orderby: Annotated[str, typer.Option(help="Fields, each with ASC or DESC.")] = "",
    fields: Annotated[
        str, typer.Option(help="Columns to show, as pair_id,chosen.model; --list-fields has all.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Pairs to show.")] = 20,
    explain: Annotated[bool, typer.Option("--explain", help="Only how it is understood.")] = False,
    list_fields: Annotated[
        bool, typer.Option("--list-fields", help="Only what a filter may name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Show the pairs that a filter keeps.

    Example: prefsift query chats --where "agreement < 1" --orderby "votes DESC"
    """
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/pairs"
    asked = {"where": where or None, "orderby": orderby or None}
    if explain:
        told = api.post(f"{path}/explain", asked)
        show(told) if as_json else tell_plan(told)
        return
    if list_fields:
        tell_fields(api.get(f"{path}/fields"), as_json=as_json)
        return
    chosen = {"fields": [name.strip() for name in fields.split(",")]} if fields else {}
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        page = min(limit - len(found), 1000)
        answer = api.post(f"{path}/query", {**asked, **chosen, "limit": page, "cursor": cursor})
        found += answer["items"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    Console().print(columns(found, chosen["fields"]) if fields else texts_of(found))
    if cursor is not None:
        note(f"the first {len(found):,}; --limit shows more")


def tell_plan(told: dict[str, Any]) -> None:
    """How the filter is understood, and how the database would look for it."""
    say(f"about {told['rows']:,} pairs", "bold")
    plan = told["plan"]
    facts({"where": told["where"] or "all", "scan": plan["Node Type"],
           "cost": f"{plan['Total Cost']:,.0f}"})  # fmt: skip


def tell_fields(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show(found)
        return
    table = Table("field", "kind", "meaning", box=None, pad_edge=False)
    for each in found:
        table.add_row(each["name"], each["kind"], each["meaning"])
    Console().print(table)


def columns(found: list[dict[str, Any]], names: list[str]) -> Table:
    """What was asked for, by the names it was asked by."""
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")  # an id is of use only whole
    for pair in found:
        said = [pair[name] for name in names]
        texts = (each if isinstance(each, str) else orjson.dumps(each).decode() for each in said)
        table.add_row(*(Text(short(" ".join(each.split()), SHOWN)) for each in texts))
    return table


def texts_of(found: list[dict[str, Any]]) -> Table:
    table = Table("prompt", "chosen", "rejected", "votes", "agreement", box=None, pad_edge=False)
    for pair in found:
        last = pair["prompt"][-1].get("content") if pair["prompt"] else ""
        texts = [
            last,
            *(pair[side]["text"] or pair[side]["uri"] for side in ("chosen", "rejected")),
        ]
        shown = [short(" ".join(str(text or "…").split()), SHOWN) for text in texts]
        table.add_row(*map(Text, shown), str(pair["votes"]), f"{pair['agreement']:.2f}")
    return table
