"""`prefsift formats` and `prefsift convert`: layouts without a server."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from service.config import settings
from service.errors import Invalid
from service.formats import FORMATS, Format, recognise
from service.formats.record import RowError
from service.json_lines import Row
from service.reading import read_rows

PEEK = 100
INCOMPLETE = 4  # exit code: some rows could not be written
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def formats(as_json: Json = False) -> None:
    """List the layouts that are read and written."""
    known = [
        {"name": name, "columns": list(layout.columns), "description": layout.description}
        for name, layout in FORMATS.items()
    ]
    if as_json:
        typer.echo(orjson.dumps(known).decode())
        return
    table = Table("name", "columns", "description", box=None, pad_edge=False)
    for layout in known:
        table.add_row(str(layout["name"]), ", ".join(layout["columns"]), str(layout["description"]))
    Console().print(table)


def convert(
    file: Annotated[Path, typer.Argument(help="JSONL or Parquet; plain, gzip or zstd.")],
    to: Annotated[str, typer.Option("--to", help="Layout to write; see `prefsift formats`.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    layout: Annotated[str | None, typer.Option("--format", help="Layout of FILE.")] = None,
) -> None:
    """Rewrite a file in another layout, label by label, in the same order.

    Lines that can't be read are named and left out. Exit code 4: the other layout can't say what
    some lines hold (a tie, a second annotator), and these are left out too.

    Example: prefsift convert hh.jsonl.gz --to native --out native.jsonl
    """
    for name in filter(None, (to, layout)):
        if name not in FORMATS:
            raise typer.BadParameter(f"no layout {name!r}; known: {', '.join(FORMATS)}")
    if not file.is_file():
        raise typer.BadParameter(f"can't read {file}", param_hint="FILE")
    console = Console(stderr=True, highlight=False)
    fresh = out.with_name(f".{out.name}.part")
    try:
        with file.open("rb") as source, fresh.open("wb") as target:
            rows = read_rows(source, file.stat().st_size, settings.max_line_bytes)
            done = write_rows(conversions(rows, layout, FORMATS[to]), target, console)
        fresh.rename(out)
    finally:
        fresh.unlink(missing_ok=True)
    skipped = done["unreadable"] + done["not_expressible"]
    console.print(
        f"{done['written']:,} rows written to {out}, {skipped:,} left out", soft_wrap=True
    )
    if done["not_expressible"]:
        raise typer.Exit(INCOMPLETE)


def write_rows(
    converted: Iterator[tuple[int, dict[str, Any] | RowError]], target: IO[bytes], console: Console
) -> Counter[str]:
    """Counts of lines: written, unreadable, not_expressible."""
    done: Counter[str] = Counter()
    for line, value in converted:
        if isinstance(value, RowError):
            expressible = value.code != "not_expressible"
            done["unreadable" if expressible else "not_expressible"] += 1
            console.print(f"line {line}: {value.message}", markup=False, soft_wrap=True)
        else:
            target.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
            done["written"] += 1
    return done


def conversions(
    rows: Iterator[Row], layout: str | None, target: Format
) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    """Each line in the other layout, or what is wrong with it."""
    source = FORMATS[layout] if layout else None
    if source is None:
        first = list(islice(rows, PEEK))
        rows = chain(first, rows)
        readable = [row.value for row in first if not isinstance(row.value, RowError)]
        known = recognise(readable) if readable else None
        if readable and known is None:
            raise Invalid("the layout is not known: name it with --format", code="unknown_layout")
        source = known[0] if known else None
    for row in rows:
        value = row.value
        if isinstance(value, RowError) or source is None:
            yield row.line, value
            continue
        try:
            written = [target.write(record) for record in source.read_all(value)]
        except RowError as error:
            yield row.line, error
        else:
            for rewritten in chain.from_iterable(written):
                yield row.line, rewritten
