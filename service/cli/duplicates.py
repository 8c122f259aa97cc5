"""`prefsift duplicates`: what a dataset or a file says more than once."""

import getpass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from service.cli.client import Api
from service.cli.connection import connect
from service.cli.default_command import defaults_to
from service.cli.remote import dataset_named, follow, note
from service.duplicates.asked import Method, Unit, signal_of

SHOWN = 100  # characters of a text
FEW = 5  # members that are shown
PAGE = 100


UnitOption = Annotated[Unit, typer.Option(help="What is repeated.")]
MethodOption = Annotated[Method, typer.Option(help="How texts are compared.")]
Threshold = Annotated[
    float | None, typer.Option(min=0.5, max=1, help="Jaccard index (.9) or cosine (.95).")
]
Words = Annotated[int | None, typer.Option(min=1, max=20, help="Of an n-gram; else 2.")]
Apart = Annotated[
    list[str] | None, typer.Option(help="Id of a pair that stays by itself; repeatable.")
]
Dataset = Annotated[str, typer.Argument(help="Name or id of a dataset.")]
Author = Annotated[str | None, typer.Option(help="Who decides; else the name of the account.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]

duplicates = typer.Typer(
    cls=defaults_to("show"), help="What a dataset or a file says twice, and what is no duplicate."
)


@duplicates.command("show")
def show(
    source: Annotated[str, typer.Argument(help="Name or id of a dataset, or a file.")],
    unit: UnitOption = Unit.pair,
    method: MethodOption = Method.minhash,
    threshold: Threshold = None,
    words: Words = None,
    apart: Apart = None,
    group: Annotated[int | None, typer.Option(help="Show all members of this group.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Groups to show.")] = 20,
    layout: Annotated[
        str | None, typer.Option("--layout", "--format", help="Layout of the file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show groups of near-duplicates, the largest first, with the votes of all their members.

    Nothing is removed. `signal` in the JSON goes into a recipe: its output `first` keeps one pair
    of each group. `duplicates undo` takes a group of a dataset apart; `--apart` with the ids of
    members does so for this answer only.

    Example: prefsift duplicates hh.jsonl.gz --unit prompt --threshold 0.8
    """
    signal = signal_of(unit, method, threshold, words, apart or ())
    asked = grouping(unit, method, threshold, words, apart)
    if Path(source).is_file():
        told = of_file(Path(source), signal, unit, layout, limit, group)
    else:
        told = of_dataset(source, asked, limit, group)
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        tell(told, unit)


@duplicates.command("undo")
def undo(
    dataset: Dataset,
    group: Annotated[int, typer.Argument(help="Its number, as `duplicates DATASET` shows it.")],
    unit: UnitOption = Unit.pair,
    method: MethodOption = Method.minhash,
    threshold: Threshold = None,
    words: Words = None,
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Take a group apart: its members and their votes stand alone, however texts are compared.

    Name the same unit, method, threshold and words as when the group was shown. What is selected
    from now on follows; subsets that are there stay as they are.

    Example: prefsift duplicates undo hh 17 --unit prompt --threshold 0.8
    """
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/duplicates"
    asked = grouping(unit, method, threshold, words, None)
    if (told := api.get(path, **asked, limit=1))["job"] is not None:
        follow(api, told["job"])
    body = {"author": author or getpass.getuser()}
    regrouped(api, api.post(f"{path}/{group}/undo", body, **asked), as_json)


@duplicates.command("redo")
def redo(
    dataset: Dataset,
    undone: Annotated[str, typer.Argument(help="Its id, as `duplicates undone` shows it.")],
    author: Author = None,
    as_json: Json = False,
) -> None:
    """Put a group together again.

    Example: prefsift duplicates redo hh 0d0c8f1e-5a3f-4c7e-9a53-2f4c8a5f4a11
    """
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/duplicates/undone/{undone}/redo"
    regrouped(api, api.post(path, {"author": author or getpass.getuser()}), as_json)


@duplicates.command("undone")
def list_undone(dataset: Dataset, as_json: Json = False) -> None:
    """List the groups that were taken apart, when and by whom.

    Example: prefsift duplicates undone hh
    """
    api = connect()
    found = list(api.pages(f"/datasets/{dataset_named(api, dataset)}/duplicates/undone"))
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    console = Console(soft_wrap=True, highlight=False)
    for each in found:
        console.print(undone_line(each), markup=False)


def regrouped(api: Api, told: dict[str, Any], as_json: bool) -> None:
    if told["job"] is not None:
        follow(api, told["job"])
    if as_json:
        typer.echo(orjson.dumps(told["undone"]).decode())
    else:
        Console(soft_wrap=True, highlight=False).print(undone_line(told["undone"]), markup=False)


def undone_line(of: dict[str, Any]) -> str:
    again = f"; redone by {of['redone_by']} at {of['redone_at']}" if of["redone_at"] else ""
    return (
        f"{of['id']}  group {of['number']} of unit {of['unit']}, {of['size']:,} members: "
        f"undone by {of['undone_by']} at {of['undone_at']}{again}"
    )


def grouping(
    unit: Unit, method: Method, threshold: float | None, words: int | None, apart: list[str] | None
) -> dict[str, Any]:
    return {
        "unit": unit.value, "method": method.value, "threshold": threshold, "words": words,
        "apart": apart or None,
    }  # fmt: skip


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
        members = list(api.pages(f"{path}/{group}", **asked))
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
