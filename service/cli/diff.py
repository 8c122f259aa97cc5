"""`prefsift diff A B`: what differs between two exported folders or two subsets."""

import tempfile
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.cli.client import Api
from service.cli.connection import connect
from service.cli.pipeline import Pipeline
from service.cli.progress import Bars
from service.diff.comparing import EXAMPLES, compare
from service.diff.result import Diff
from service.diff.sides import of_folder

One = Annotated[str, typer.Argument(help="An exported folder, or the id of a subset.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of tables.")]
Examples = Annotated[int, typer.Option(min=0, max=1000, help="Pair ids of each kind.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="1 where anything differs.")]
COUNTS = ("kept", "added", "removed", "flipped", "rescored", "moved")


def diff(
    a: One,
    b: One,
    as_json: Json = False,
    examples: Examples = EXAMPLES,
    exit_code: ExitCode = False,
) -> None:
    """Pairs added, removed, flipped, rescored, and how distributions shifted, from A to B.

    Two folders need no server. Example: prefsift diff curated-1 curated-2
    """
    found = compared(a, b, examples)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        show(found, Console(highlight=False))
    if exit_code and not found.same:
        raise typer.Exit(1)


def compared(a: str, b: str, examples: int) -> Diff:
    """A subset beside a folder is exported first, so that both are read alike."""
    folders = [Path(each).is_dir() for each in (a, b)]
    for each, is_folder in zip((a, b), folders, strict=True):
        if not (is_folder or is_id(each)):
            raise typer.BadParameter(f"{each} is neither a folder nor the id of a subset")
    if not any(folders):
        answer = connect().get(f"/subsets/{a}/diff/{b}", examples=examples)
        return Diff.model_validate(answer)
    with ExitStack() as stack:
        sides = [
            of_folder(Path(each) if is_folder else exported(connect(), each, stack))
            for each, is_folder in zip((a, b), folders, strict=True)
        ]
        one, two = (side._replace(name=name) for side, name in zip(sides, (a, b), strict=True))
        return compare(one, two, examples)


def is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def exported(api: Api, subset: str, stack: ExitStack) -> Path:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    with Bars(Console(stderr=True)) as bars:
        line = Pipeline(api, bars, lambda _: None)
        made = api.post(f"/subsets/{subset}/exports", {})
        line.finish(made["job"])
        line.download(made["export"]["id"], folder)
    return folder


def show(found: Diff, console: Console) -> None:
    for letter, side in (("A", found.a), ("B", found.b)):
        gone = (
            f", {side.gone:,} gone since (withdrawn, erased or decided anew)" if side.gone else ""
        )
        console.print(
            f"{letter}: {side.name}, {side.pairs:,} pairs{gone}", markup=False, soft_wrap=True
        )
        if side.only:
            console.print(f"   columns of {letter} alone: {', '.join(side.only)}", markup=False)
    if found.same:
        console.print("no difference")
        return
    console.print(", ".join(f"{getattr(found, name):,} {name}" for name in COUNTS))
    if not found.flips_told:
        console.print("matched by pair id: a flipped pair is one removed and one added")
    if found.scores:
        rows = [
            (each.name, f"{each.pairs:,}", number(each.mean_change), number(each.largest_change))
            for each in found.scores
        ]
        console.print(table(("rescored", "pairs", "mean change", "largest"), rows))
    shifts = [
        (each.name, number(each.a.mean), number(each.b.mean), number(each.ks), bar(each.ks),
         number(each.wasserstein))
        for each in found.numbers
    ]  # fmt: skip
    shifts += [
        (each.name, f"{len(each.a)} kinds", f"{len(each.b)} kinds", number(each.total_variation),
         bar(each.total_variation), "")
        for each in found.categories
    ]  # fmt: skip
    heads = ("distribution", "mean A", "mean B", "KS or TV", "0 to 1", "Wasserstein")
    console.print(table(heads, shifts))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    made = Table(box=None, pad_edge=False)
    for place, head in enumerate(heads):
        made.add_column(head, justify="left" if not place or head == "0 to 1" else "right")
    for row in rows:
        made.add_row(*row)
    return made


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def bar(share: float | None) -> str:
    return "█" * round(10 * (share or 0)) or "·"
