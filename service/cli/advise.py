"""`prefsift advise`: which recipe helps on some files, or on a dataset, or that none does."""

import gc
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from service.cli.connection import connect
from service.cli.recipe_option import known_recipe
from service.cli.remote import dataset_named, follow
from service.cli.screen import advise as command
from service.cli.screen import say
from service.cli.subsets import numbers

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, the rest on stderr.")]
TOP = "independent"
AROUND = 2.0  # seconds that the process takes to begin and to end


def advise(
    context: typer.Context,
    source: Annotated[
        list[str], typer.Argument(help="Files of any layout, or the name or id of a dataset.")
    ],
    budget: Annotated[str, typer.Option(help='"10%" of all pairs, or "500" pairs.')] = "10%",
    minutes: Annotated[float, typer.Option(min=0.1, max=600, help="When to have an answer.")] = 10,
    recipe: Annotated[
        list[str] | None, typer.Option(help="Compare only these, or recipe files; repeatable.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="Also a subset of the dataset, by id; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the splits and draws.")] = 0,
    seeds: Annotated[
        str | None, typer.Option(help="Several, as 0,1,2: would each say the same?")
    ] = None,
    splits: Annotated[
        int, typer.Option(min=5, max=50, help="Training/test splits a seed, at most.")
    ] = 30,
    layout: Annotated[str | None, typer.Option(help="Of files; see `prefsift formats`.")] = None,
    as_json: Json = False,
) -> None:
    """Say which recipe trains a better reward head than random pairs, or that none does.

    Files need no server; a dataset is a job of its workers, which share the work. Where the time
    is short, it measures on fewer pairs, splits or recipes, and says so.

    Example: prefsift advise pairs.jsonl --minutes 10 --budget 10%

    Example: prefsift advise mine --minutes 30 --recipe safe_default --recipe fifa --seeds 0,1,2
    """
    began: float = (context.find_root().obj or time.monotonic()) - AROUND
    from curation.recipes import Budget

    try:
        wanted = str(Budget.parse(budget))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--budget") from error
    asked: dict[str, Any] = {
        "budget": wanted, "seconds": 60 * minutes, "splits": splits,
        "seeds": [seed] if seeds is None else seeds_given(seeds),
    }  # fmt: skip
    if all(Path(each).is_file() for each in source):
        if against:
            raise typer.BadParameter("is for a dataset", param_hint="--against")
        found = of_files(
            [Path(each) for each in source], recipe, asked, layout, began, quiet=as_json
        )
    elif len(source) > 1 or layout is not None or looks_like_a_file(source[0]):
        missing = next(each for each in source if not Path(each).is_file())
        raise typer.BadParameter(f"can't read {missing}", param_hint="SOURCE")
    else:
        more = {"recipes": [known_recipe(name) for name in recipe]} if recipe else {}
        found = of_dataset(source[0], {**asked, **more, "against": against or []})
    if as_json:
        typer.echo(orjson.dumps(found).decode())
    else:
        tell(found)


def seeds_given(text: str) -> list[int]:
    found = [*dict.fromkeys(numbers(text))]
    if min(found) < 0:
        raise typer.BadParameter("are not negative", param_hint="--seeds")
    return found


def looks_like_a_file(name: str) -> bool:
    return "/" in name or Path(name).suffix in (".json", ".jsonl", ".gz", ".csv", ".parquet")


def of_files(
    files: list[Path], names: list[str] | None, asked: dict[str, Any], layout: str | None,
    began: float, *, quiet: bool,
) -> dict[str, Any]:  # fmt: skip
    from curation.recipes import Budget, load
    from service.advice.advising import Unfit, advice

    try:
        recipes = {name: load(name) for name in names} if names else None
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--recipe") from error
    budget = Budget.parse(asked["budget"])
    if budget.token_limit is not None:
        raise typer.BadParameter("of files, in pairs or percent", param_hint="--budget")
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bars:
        bar = bars.add_task("reading", total=1.0)

        def progress(stage: str, share: float) -> None:
            bars.update(bar, description=stage, completed=share)

        try:
            found = advice(
                files, recipes, budget, seconds=asked["seconds"], seeds=asked["seeds"],
                splits=asked["splits"], layout=layout, progress=progress, began=began,
            )  # fmt: skip
        except Unfit as error:
            raise typer.BadParameter(str(error), param_hint="FILE") from error
    gc.freeze()  # else the end of the process looks through all that the models hold: seconds
    return found.model_dump(mode="json")


def of_dataset(name: str, asked: dict[str, Any]) -> dict[str, Any]:
    api = connect()
    path = f"/datasets/{dataset_named(api, name)}/advice"
    made = api.post(path, asked)
    follow(api, made["job"])
    return api.get(f"{path}/{made['id']}")["advice"]


def tell(found: dict[str, Any]) -> None:
    if found["recipes"]:
        Console(highlight=False).print(table(found["recipes"]))
    whys: dict[str, list[str]] = {}
    for each in found["left_out"]:
        whys.setdefault(each["why"], []).append(each["name"])
    for why, names in whys.items():
        say(f"not compared: {', '.join(names)}: {why}")
    if len(found["by_seed"]) > 1:
        alone = (f"{each['seed']}: {each['recommended'] or 'none'}" for each in found["by_seed"])
        say(f"each seed alone: {', '.join(alone)}")
    say(found["says"], "bold")
    if found["saved"] is not None:
        say(saving(found["saved"]))
    if found["make"] is not None:
        command(found["make"]["command"])


def table(rows: list[dict[str, Any]]) -> Table:
    found = Table(box=None)
    found.add_column("recipe", overflow="fold")
    for name in ("kept", "splits", "accuracy", "over random, 95 %", "all data"):
        found.add_column(name, no_wrap=True, justify="right")
    for row in rows:
        head = row["heads"][TOP]
        gain = head["gain"]
        bounds = "" if gain["low"] is None else f" [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        found.add_row(
            row["name"], f"{row['size']:.0f}", str(row["splits"]), f"{head['accuracy']:.3f}",
            f"{gain['mean']:+.3f}{bounds}", f"{head['full']:.3f}",
        )  # fmt: skip
    return found


def saving(saved: dict[str, Any]) -> str:
    says = f"It saves {saved['pairs']:,} pairs, {saved['share']:.0%} of all"
    if saved["random_pairs"] is None:
        return f"{says}, and loses nothing by the strong head."
    return f"{says}; about {saved['random_pairs']:,} random pairs would do as well."
