"""`prefsift duplicates`: what a dataset or a file says more than once."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.connection import connect
from service.cli.remote import dataset_named, follow, note
from service.duplicates.asked import Method, Unit, signal_of

SHOWN = 100  # characters of a text
FEW = 5  # members that are shown
PAGE = 100


def duplicates(
    source: Annotated[str, typer.Argument(help="Name or id of a dataset, or a file.")],
    unit: Annotated[Unit, typer.Option(help="What is repeated.")] = Unit.pair,
    method: Annotated[Method, typer.Option(help="How texts are compared.")] = Method.minhash,
    threshold: Annotated[
        float | None, typer.Option(min=0.5, max=1, help="Jaccard index (.9) or cosine (.95).")
    ] = None,
    words: Annotated[int | None, typer.Option(min=1, max=20, help="Of an n-gram; else 2.")] = None,
    apart: Annotated[
        list[str] | None, typer.Option(help="Id of a pair that stays by itself; repeatable.")
    ] = None,
    group: Annotated[int | None, typer.Option(help="Show all members of this group.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Groups to show.")] = 20,
    layout: Annotated[
        str | None, typer.Option("--layout", "--format", help="Layout of the file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Show groups of near-duplicates, the largest first, with the votes of all their members.

    Nothing is removed. `signal` in the JSON goes into a recipe: its output `first` keeps one pair
    of each group. A group is undone by `--apart` with the ids of members.

    Example: prefsift duplicates hh.jsonl.gz --unit prompt --threshold 0.8
    """
    signal = signal_of(unit, method, threshold, words, apart or ())
    asked: dict[str, Any] = {
        "unit": unit.value, "method": method.value, "threshold": threshold, "words": words,
        "apart": apart or None,
    }  # fmt: skip
    if Path(source).is_file():
        told = of_file(Path(source), signal, unit, layout, limit, group)
    else:
        told = of_dataset(source, asked, limit, group)
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        tell(told, unit)


def of_file(
    path: Path, signal: Any, unit: Unit, layout: str | None, limit: int, group: int | None
) -> dict[str, Any]:
    from service.duplicates.files import find, groups, read_files, repeated_judgments

    files = read_files([path], layout)
    found = find(files, signal)
    rows = repeated_judgments(files, found) if unit == Unit.judgment else groups(files, found)
    if group is not None:
        rows = (row for row in rows if row["group"] == group)
    return {
        "signal": signal.model_dump(mode="json"),
        "counts": {**found.metrics, "rejected_lines": files.rejected},
        "items": [*islice(rows, limit)],
    }


def of_dataset(name: str, asked: dict[str, Any], limit: int, group: int | None) -> dict[str, Any]:
    api = connect()
    path = f"/datasets/{dataset_named(api, name)}/duplicates"
    told = api.get(path, **asked, limit=min(limit, PAGE))
    if told["job"] is not None:
        follow(api, told["job"])
        told = api.get(path, **asked, limit=min(limit, PAGE))
    if group is not None:
        members = api.get(f"{path}/{group}", **asked)
        return {**told, "items": [{"group": group, "pairs": len(members), "members": members}]}
    items, cursor = told["items"], told["next_cursor"]
    while cursor is not None and len(items) < limit:
        page = api.get(path, **asked, limit=min(limit - len(items), PAGE), cursor=cursor)
        items, cursor = [*items, *page["items"]], page["next_cursor"]
    return {**told, "items": items, "next_cursor": cursor}


def tell(told: dict[str, Any], unit: Unit) -> None:
    console = Console(soft_wrap=True, highlight=False)
    counts = {name: int(value) for name, value in told["counts"].items()}
    console.print(
        f"{counts.get('n', 0):,} pairs, {counts.get('repeated_pairs', 0):,} of them in "
        f"{counts.get('repeated_groups', 0):,} groups of near-duplicates (unit: {unit.value}); "
        f"{counts.get('not_first', 0):,} are not the first of theirs",
        markup=False,
    )
    for item in told["items"]:
        if unit == Unit.judgment:
            tell_judgments(console, item)
        else:
            tell_group(console, item)
    if told.get("next_cursor"):
        note("there are more; --limit shows them")


def tell_judgments(console: Console, item: dict[str, Any]) -> None:
    says = "always the same" if item["consistent"] else f"not the same: {', '.join(item['says'])}"
    console.print(
        f"\n{item['annotator']} judged the pairs of group {item['group']} {item['judgments']} "
        f"times, {says}",
        markup=False,
    )
    lines = ", ".join(f"{place['line']}: {place['says']}" for place in item["places"][:FEW])
    console.print(f"   lines {lines}", markup=False)


def tell_group(console: Console, item: dict[str, Any]) -> None:
    voted = ""
    if item.get("votes") is not None:
        voted = f"; {item['votes']:g} votes, {item['agreement']:.0%} for its first pair"
    head = f"\ngroup {item['group']}: {item['pairs']:,} pairs{voted}"
    console.print(head, style="bold", markup=False)
    for member in item["members"][:FEW]:
        mark = "*" if member["first"] else ("~" if member["turned"] else " ")
        for name in ("prompt", "chosen", "rejected"):
            lead = f" {mark} {member['pair_id']}" if name == "prompt" else "    "
            console.print(f"{lead} {name}: {excerpt(member[name])}", markup=False)
    if item["pairs"] > FEW:
        console.print(f"   … and {item['pairs'] - FEW:,} more", markup=False)


def excerpt(text: str) -> str:
    """The end of a dialogue tells more than its beginning."""
    said = " ".join(text.split())
    return said if len(said) <= SHOWN else f"… {said[-SHOWN:]}"
