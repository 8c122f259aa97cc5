"""A preview on the screen: the layout, the columns, the first records and the first rejects."""

from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.mapping import in_words

SHOWN = 60  # characters of a text
SHOWN_REJECTS = 5


def print_preview(console: Console, name: str, found: dict[str, Any]) -> None:
    """Everything of the file is text, never markup."""
    say(console, headline(name, found), style="bold")
    others = [each for each in found["candidates"] if each["layout"] != found["layout"]]
    if others:
        named = ", ".join(f"{each['layout']} {each['confidence']:.2f}" for each in others)
        say(console, f"also possible: {named}; choose with --layout")
    print_columns(console, found)
    for record in found["records"]:
        say(console, f"  {short(record_line(record), 100)}")
    for reject in found["rejects"][:SHOWN_REJECTS]:
        say(
            console, f"  line {reject['line']}: {reject['message']} ({reject['code']})", style="red"
        )
    more = found["rejected"] - SHOWN_REJECTS
    if more > 0:
        say(console, f"  … and {more:,} more rejected", style="red")
    for sentence in found["advice"]:
        say(console, sentence)
    if found["suggestion"]:
        say(console, f"try: {in_words(found['suggestion'])}")


def headline(name: str, found: dict[str, Any]) -> str:
    amount = f"{found['rows']:,} rows" if found["complete"] else f"the first {found['rows']:,} rows"
    counts = f"{amount}: {found['accepted']:,} can be read, {found['rejected']:,} rejected"
    if found["layout"] is None:
        return f"{name}: no known layout; {counts}"
    return f"{name}: layout {found['layout']} ({found['confidence']:.2f}); {counts}"


def print_columns(console: Console, found: dict[str, Any]) -> None:
    """The file's columns, and what each is read as."""
    read_as = {theirs: ours for ours, theirs in found["mapping"].items()}
    table = Table("column", "read as", box=None, pad_edge=False)
    for column in found["columns"]:
        table.add_row(Text(short(column, SHOWN)), Text(read_as.get(column, "-")))
    if found["columns"]:
        console.print(table)


def record_line(record: dict[str, Any]) -> str:
    """Of a record, what fits in a line: the prompt's end and the responses' beginnings."""
    prompt = record.get("messages") or [{}]
    texts = [prompt[-1].get("content"), *map(response_text, record.get("responses", []))]
    return "  |  ".join(short(text, SHOWN // 2) for text in texts)


def response_text(response: dict[str, Any]) -> Any:
    messages = response.get("messages") or [{}]
    return response.get("text") or messages[-1].get("content") or response


def short(value: Any, length: int) -> str:
    """Printable, in one line: also what a file hides in control characters."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: length + 1])
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def say(console: Console, line: str, style: str | None = None) -> None:
    printable = "".join(letter if letter.isprintable() else "?" for letter in line)
    console.print(printable, style=style, markup=False, soft_wrap=True)
