"""How commands print for people: facts and entries that fit 80 columns, ids always whole."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def say(line: str, style: str | None = None, indent: int = 0) -> None:
    """A sentence: broken between words at the window's width."""
    text = Text(printable(line), style or "")
    put(Padding(text, (0, 0, 0, indent), expand=False) if indent else text)


def whole(line: str, style: str | None = None) -> None:
    """A line to copy: never broken."""
    Console(highlight=False).print(Text(printable(line), style or ""), soft_wrap=True)


def put(shown: RenderableType, width: int | None = None) -> None:
    """Without the spaces that fill a line up; within the window, or so many columns."""
    console = Console(highlight=False, width=width)
    with console.capture() as printed:
        console.print(shown)
    for line in printed.get().splitlines():
        typer.echo(line.rstrip())


def tell(facts: Mapping[str, str | Iterable[str]]) -> None:
    """A name and what it is, under each other; what is empty is left out."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        lines = [value] if isinstance(value, str) else [*value]
        for number, line in enumerate(each for each in lines if each):
            table.add_row(Text(f"  {'' if number else name}"), Text(printable(line)))
    if table.row_count:
        put(table)


def advise(*commands: str) -> None:
    """What one may want to do with it, each a line to copy."""
    for number, command in enumerate(commands):
        whole(f"{'     ' if number else 'next:'} {command}")


def printable(line: str) -> str:
    """Without the control characters that a file or a name may hide."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in line)


def many(count: int, one: str, several: str | None = None) -> str:
    """ "1 pair", "2,000 pairs"."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
