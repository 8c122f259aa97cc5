"""`prefsift query`: pairs of a dataset, filtered and ordered."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from service.cli.connection import connect
from service.cli.remote import DatasetName, dataset_named, show

SHOWN = 60  # characters of a text in the table


def query(
    dataset: DatasetName,
    where: Annotated[str, typer.Option(help="A filter; see docs/filters.md.")] = "",
    orderby: Annotated[str, typer.Option(help="Fields, each with ASC or DESC.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Pairs to show.")] = 20,
    explain: Annotated[bool, typer.Option("--explain", help="Only how it is understood.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Show the pairs that a filter keeps.

    Example: prefsift query chats --where "agreement < 1" --orderby "votes DESC"
    """
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/pairs"
    asked = {"where": where or None, "orderby": orderby or None}
    if explain:
        show(api.post(f"{path}/explain", asked))
        return
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        page = min(limit - len(found), 1000)
        answer = api.post(f"{path}/query", {**asked, "limit": page, "cursor": cursor})
        found += answer["items"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    table = Table("prompt", "chosen", "rejected", "votes", "agreement", box=None, pad_edge=False)
    for pair in found:
        last = pair["prompt"][-1].get("content") if pair["prompt"] else ""
        texts = [
            last,
            *(pair[side]["text"] or pair[side]["uri"] for side in ("chosen", "rejected")),
        ]
        shown = [" ".join(str(text or "…").split())[:SHOWN] for text in texts]
        table.add_row(*shown, str(pair["votes"]), f"{pair['agreement']:.2f}")
    Console().print(table)
