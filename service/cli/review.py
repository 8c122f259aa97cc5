"""`prefsift review`: what humans should look at first, their verdicts, and their undoing."""

import getpass
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from service.cli.connection import connect
from service.cli.listing import cell
from service.cli.remote import DatasetName, dataset_named, show
from service.cli.screen import Json, many, say

SHOWN = 300  # characters of a text
MOST = 100  # items a page
ItemId = Annotated[str, typer.Argument(help="Id of an item, or of a pair of the dataset.")]
Author = Annotated[str | None, typer.Option(help="Who says so; your user name if left out.")]
Reason = Annotated[str | None, typer.Option(help="Why.")]
AuditId = Annotated[str | None, typer.Option(help="Id of an audit; the latest if left out.")]


class ListsByDefault(TyperGroup):
    """`review DATASET` is `review list DATASET`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["list", *args]
        return super().parse_args(ctx, args)


review = typer.Typer(
    cls=ListsByDefault,
    no_args_is_help=True,
    help="Review what an audit doubts: `review DATASET` lists it, the most informative first.",
)


@review.command("list")
def list_items(
    dataset: DatasetName,
    limit: Annotated[int, typer.Option(min=1, help="Pairs to show.")] = 10,
    audit: AuditId = None,
    strategy: Annotated[
        str, typer.Option(help="information, error_driven or routing (docs/review.md).")
    ] = "information",
    k_max: Annotated[
        int | None, typer.Option(help="Of error_driven: pairs that an error fetches; 8.")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Of routing, in the unit of costs.")] = None,
    human_cost: Annotated[float | None, typer.Option(help="Of routing: of a verdict; 1.")] = None,
    model_cost: Annotated[
        float | None,
        typer.Option(help="Of routing: of a model's label; left out, no model is asked."),
    ] = None,
    cost: Annotated[
        list[str] | None, typer.Option(help="Of routing: NAME=COST of one model. Repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the pairs on which a verdict tells most, or who should label which.

    Example: prefsift review mine --limit 30 --json
    Example: prefsift review mine --strategy routing --budget 20 --model-cost 0.02
    """
    api = connect()
    path = f"/datasets/{dataset_named(api, dataset)}/review"
    query: dict[str, Any] = {
        "audit": audit, "strategy": strategy, "k_max": k_max, "budget": budget,
        "human_cost": human_cost, "model_cost": model_cost, "cost": cost,
    }  # fmt: skip
    page = api.get(path, limit=min(limit, MOST), **query)
    found: list[dict[str, Any]] = page["items"]
    while page["next_cursor"] and len(found) < limit:
        wanted = min(limit - len(found), MOST)
        more = api.get(path, limit=wanted, cursor=page["next_cursor"], **query)
        found, page = found + more["items"], more
    if as_json:
        show({**page, "items": found})
        return
    console = Console(soft_wrap=True, highlight=False)
    said = f"{page['open']:,} pairs wait; version {page['version']} of the verdicts"
    console.print(said, markup=False)
    if (of := page["summary"]) is not None:
        console.print(summary(of), markup=False)
    for number, item in enumerate(found, 1):
        console.print(f"\n{number}. {item['id']}  {item['why']}", style="bold", markup=False)
        for line in lines_of(item):
            console.print(f"   {line}", markup=False)


def summary(of: dict[str, Any]) -> str:
    if "verified" in of:
        return f"{of['verified']:,} verified pairs, of which {of['erred']:,} were believed wrongly"
    return (
        f"{of['humans']:,} for humans, {of['models']:,} for models, {of['stand']:,} stand; "
        f"{of['spent']:g} of {of['budget']:g} spent; {of['gained']:.2f} right pairs more, "
        f"at most {of['at_most']:.2f}"
    )


def lines_of(item: dict[str, Any]) -> list[str]:
    last = item["prompt"][-1].get("content") if item["prompt"] else ""
    sides = (f"{side}: {excerpt(text_of(item[side]))}" for side in "ab")
    said = ", ".join(f"{each['annotator']}: {each['says']}" for each in item["labels"][:12])
    more = " …" if len(item["labels"]) > 12 else ""
    told = f"label {item['label']} ({item['action']}); {said}{more}"
    return [f"? {excerpt(str(last))}", *sides, told]


def text_of(response: dict[str, Any]) -> str:
    if response["messages"]:
        return str(response["messages"][-1].get("content"))
    return str(response["text"] or response["uri"] or "")


def excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= SHOWN else f"{words[:SHOWN]} …"


@review.command("verdict")
def verdict(
    dataset: DatasetName,
    item: ItemId,
    says: Annotated[str, typer.Argument(help="a, b, tie or both_bad.")],
    author: Author = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Decide a pair. Labels stay as they are; the verdict is an overlay and can be undone.

    Example: prefsift review verdict mine 5f2e… b --reason "a is made up"
    """
    api = connect()
    body = {"verdict": says, "author": author or getpass.getuser(), "reason": reason}
    path = f"/datasets/{dataset_named(api, dataset)}/review/{item}/verdicts"
    tell(api.post(path, body), as_json)


@review.command("undo")
def undo(
    dataset: DatasetName,
    version: Annotated[int, typer.Argument(help="Of the verdict, from `review history`.")],
    author: Author = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Take a verdict back, not necessarily the last."""
    api = connect()
    body = {"author": author or getpass.getuser(), "reason": reason}
    tell(
        api.post(f"/datasets/{dataset_named(api, dataset)}/verdicts/{version}/undo", body), as_json
    )


@review.command("history")
def history(dataset: DatasetName, as_json: Json = False) -> None:
    """List every verdict and every undoing, the first one first.

    Example: prefsift review history mine
    """
    api = connect()
    found = [*api.pages(f"/datasets/{dataset_named(api, dataset)}/verdicts")]
    if as_json:
        show(found)
    elif not found:
        typer.echo(f"no verdict yet: `prefsift review {dataset}` lists what waits for one")
    for each in [] if as_json else found:
        why = f": {each['reason']}" if each["reason"] else ""
        say(
            f"version {each['version']}, {cell('created_at', each['created_at'])}: {did(each)}{why}"
        )


def tell(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(made)
        return
    of = made["verdict"]
    say(f"version {of['version']}: {did(of)}; {many(made['moved'], 'posterior')} moved")


def did(of: dict[str, Any]) -> str:
    if of["erased"]:
        return "what it was about has left the dataset"
    said = f"took version {of['undoes']} back" if of["undoes"] else f"says {of['said']}"
    return f"{of['author']} {said}"
