"""`evaluate`, `advise`: does a selection help, and which one helps on these data?"""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from service.cli.connection import connect
from service.cli.remote import SubsetId, follow, show

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, the rest on stderr.")]


def evaluate(
    subset: SubsetId,
    against: Annotated[
        list[str] | None, typer.Option(help="Another subset on the same splits; repeatable.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Slices of the test: length,source,topic,annotator,…")
    ] = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="Also a learning curve, and how many pairs are enough.")
    ] = False,
    splits: Annotated[int | None, typer.Option(min=2, max=50)] = None,
) -> None:
    """Compare the recipe of a subset with random subsets, all pairs, and other subsets.

    Example: prefsift evaluate 6f1c… --against 0a2b… --by length,source --curve
    """
    api = connect()
    names = [name.strip() for name in (by or "").split(",") if name.strip()]
    body = {"against": against or [], "by": names, "curve": curve}
    asked = {key: value for key, value in body.items() if value}
    follow(
        api,
        api.post(
            f"/subsets/{subset}/evaluate", {**asked, **({"splits": splits} if splits else {})}
        ),
    )
    show(api.get(f"/subsets/{subset}")["evaluation"])


def advise(
    files: Annotated[list[Path], typer.Argument(help="Files of any layout that an upload takes.")],
    budget: Annotated[str, typer.Option(help='"10%" of all pairs, or "500" pairs.')] = "10%",
    minutes: Annotated[float, typer.Option(min=0.1, max=600, help="When to have an answer.")] = 10,
    recipe: Annotated[
        list[str] | None, typer.Option(help="Compare only these; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the splits and draws.")] = 0,
    layout: Annotated[str | None, typer.Option(help="See `prefsift formats`.")] = None,
    as_json: Json = False,
) -> None:
    """Say which recipe trains a better reward head than random pairs of these, or that none does.

    Needs no server. Where the time is short, it measures on fewer pairs and splits, and says so.

    Example: prefsift advise pairs.jsonl --minutes 10 --budget 10%
    """
    from curation.recipes import Budget
    from service.advice.advising import Unfit, advice, candidates

    for path in files:
        if not path.is_file():
            raise typer.BadParameter(f"can't read {path}", param_hint="FILE")
    try:
        wanted = Budget.parse(budget)
        recipes = candidates(recipe)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as bars:
        bar = bars.add_task("reading", total=1.0)

        def progress(stage: str, share: float) -> None:
            bars.update(bar, description=stage, completed=share)

        try:
            found = advice(
                files, recipes, wanted, seconds=60 * minutes, seed=seed, layout=layout,
                progress=progress,
            )  # fmt: skip
        except Unfit as error:
            raise typer.BadParameter(str(error), param_hint="FILE") from error
    if as_json:
        typer.echo(orjson.dumps(found).decode())
    else:
        tell(found, named=bool(recipe))


def tell(found: dict[str, Any], *, named: bool) -> None:
    console = Console(highlight=False)
    table = Table("recipe", "kept", "accuracy", "− random", "95 %", "all data", box=None)
    for row in found["recipes"]:
        gain = row["difference"]
        bounds = "" if gain["low"] is None else f"{gain['low']:+.3f} … {gain['high']:+.3f}"
        figures = f"{row['size']:.0f}", f"{row['accuracy']:.3f}", f"{gain['mean']:+.3f}"
        table.add_row(row["recipe"], *figures, bounds, f"{row['full']:.3f}")
    console.print(table)
    if found["left_out"] and not named:
        names = ", ".join(found["left_out"])
        console.print(
            f"not compared, for they need more than texts, or models that take minutes: {names}",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    console.print(found["says"], markup=False, soft_wrap=True, style="bold")
