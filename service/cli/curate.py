"""`prefsift curate FILE…`: a small training set out of raw preference data, with its proof."""

import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.console import Console

from curation.pairing import POLICIES
from curation.pairing import load as load_policy
from curation.recipes import Budget
from service.cli import destination
from service.cli.connection import connected
from service.cli.mapping import Columns, mapping_of
from service.cli.pipeline import Pipeline, Request
from service.cli.progress import Bars
from service.cli.recipe_option import DEFAULT, builds_pairs, known_recipe
from service.cli.screen import put
from service.export import manifest
from service.formats import FORMATS
from service.report import terminal

INTERRUPTED = 130
MAX_SEED = 2**31 - 1

Files = Annotated[list[Path], typer.Argument(help="Files that an upload takes: JSONL, CSV, …")]
RecipeName = Annotated[str, typer.Option(help="Id of a recipe, or a recipe file (.yaml, .json).")]
BudgetText = Annotated[
    str | None, typer.Option(help='"10%", "500", "2M tokens"; else the recipe\'s.')
]
Out = Annotated[Path, typer.Option(help="Missing or empty, or an earlier export: replaced.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED)]
PairPolicyName = Annotated[
    str | None,
    typer.Option(help="A pair policy, see `prefsift policies`, or a file; else by the labels."),
]
Layout = Annotated[str | None, typer.Option(help="See `prefsift formats`; else recognised.")]
Strict = Annotated[bool, typer.Option("--strict", help="One bad line refuses the file: exit 3.")]
License = Annotated[str | None, typer.Option(help="Of the texts, for the dataset card.")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="Leave a stack started here running.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout, the rest on stderr.")]


def curate(
    files: Files,
    out: Out,
    recipe: RecipeName = DEFAULT,
    budget: BudgetText = None,
    seed: Seed = 0,
    layout: Layout = None,
    column: Columns = None,
    pairs: PairPolicyName = None,
    strict: Strict = False,
    license: License = None,
    keep_up: KeepUp = False,
    as_json: Json = False,
) -> None:
    """Score the pairs, select a subset, compare it with random subsets, and export it.

    Uses the stack that runs, or starts one and stops it again.

    Example: prefsift curate pairs.jsonl --budget 10% --out curated
    """
    began = time.monotonic()
    upload = {
        "mode": "atomic" if strict else "partial",
        **known_layout(layout),
        **known_columns(column),
    }
    named = known_recipe(recipe)
    request = Request(
        readable(files), named, known_budget(budget), seed, upload, license,
        known_policy(pairs), builds_pairs(named),
    )  # fmt: skip
    folder = destination.check(out)
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        with terminated(), destination.staged(folder) as fresh, connected(keep_up) as api:
            with Bars(Console(stderr=True)) as bars:
                Pipeline(api, bars, lambda line: errors.print(line, markup=False)).run(
                    request, fresh
                )
            report = manifest.load(fresh)["report"]
    except KeyboardInterrupt:
        errors.print("stopped; what was scored is kept for the next run")
        raise typer.Exit(INTERRUPTED) from None
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        typer.echo(orjson.dumps(summary(report, seconds, folder)).decode())
    else:
        show(report, seconds, folder)


def summary(report: dict[str, Any], seconds: float, folder: Path) -> dict[str, Any]:
    counts = {name: report["counts"][name] for name in ("rows_in", "rejected", "pairs", "kept")}
    return {
        **counts, "seconds": seconds, "evaluation": report["evaluation"], "out": str(folder)
    }  # fmt: skip


def show(report: dict[str, Any], seconds: float, folder: Path) -> None:
    console = Console(highlight=False)
    put(terminal.render(report))
    splits = ", ".join(f"{split['rows']:,} {split['name']}" for split in report["splits"])
    lines = [
        f"{seconds:,.0f} s. Files in {folder}:",
        f"  data/          {splits} rows: datasets.load_dataset({str(folder)!r})",
        "  report.html    the numbers above with charts and examples",
        "  README.md      dataset card        manifest.json  sources, recipe, hashes",
        "  rejects.jsonl  lines that were not taken, each with its reason",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def readable(files: list[Path]) -> list[Path]:
    for path in files:
        try:
            if path.exists() and not path.is_file():  # a pipe without a writer never opens
                wrong(f"{path} is no plain file", "FILE")
            path.open("rb").close()
        except OSError as error:
            wrong(f"can't read {path}: {error.strerror}", "FILE")
    return files


def known_policy(name: str | None) -> str | dict[str, Any] | None:
    """The id of a shipped pair policy; the policy itself where it comes from a file."""
    try:
        policy = None if name is None else load_policy(name)
    except (ValueError, OSError) as error:
        wrong(str(error), "--pairs")
    return policy.model_dump(mode="json") if policy and name not in POLICIES else name


def known_budget(text: str | None) -> str | None:
    try:
        return None if text is None else str(Budget.parse(text))
    except ValueError as error:
        wrong(str(error), "--budget")


def known_layout(name: str | None) -> dict[str, str]:
    if name is not None and name not in FORMATS:
        wrong(f"there is no layout {name!r}; known: {', '.join(FORMATS)}", "--layout")
    return {} if name is None else {"layout": name}


def known_columns(column: list[str] | None) -> dict[str, str]:
    mapping = mapping_of(column)
    return {"mapping": orjson.dumps(mapping).decode()} if mapping else {}


def wrong(message: str, option: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=option)


@contextmanager
def terminated() -> Generator[None]:
    """SIGTERM and a closed terminal end the block as Ctrl-C does: what was started stops."""

    def leave(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    found = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    before = {number: was for number, was in found.items() if was is not signal.SIG_IGN}  # nohup
    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)
