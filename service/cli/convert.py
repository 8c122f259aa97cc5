"""`prefsift convert`: a file in another layout, without a server."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import wrap_file

from service.cli.mapping import mapping_of
from service.config import settings
from service.formats import FORMATS, Format
from service.formats.record import RowError
from service.ingest.mapping import mapped
from service.ingest.taking import recognised
from service.reading.json_lines import Row
from service.reading.rows import read_rows
from service.writing import KINDS, kind_of, write_rows

SHOWN = 20  # lines that are named on the screen
INCOMPLETE = 4  # exit code: some rows could not be written


def convert(
    file: Annotated[Path, typer.Argument(help="Any file that an upload takes.")],
    to: Annotated[str, typer.Option("--to", help="Layout to write; see `prefsift formats`.")],
    out: Annotated[Path, typer.Option(help=f"File to write: {', '.join(KINDS)}, .gz, .zst.")],
    layout: Annotated[
        str | None, typer.Option("--layout", "--format", help="Layout of FILE.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--map", help="our-column=their-column; repeatable.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="JSONL of lines left out, with why.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Rewrite a file in another layout, label by label, in the same order.

    No id, order, orientation or label changes. Lines that can't be read are named and left out.
    Exit code 4: the other layout can't say what some lines hold (a tie, a second annotator), and
    these are left out too.

    Example: prefsift convert hh.jsonl.gz --to native --out native.jsonl
    """
    for name in filter(None, (to, layout)):
        if name not in FORMATS:
            raise typer.BadParameter(f"no layout {name!r}; known: {', '.join(FORMATS)}")
    if not file.is_file():
        raise typer.BadParameter(f"can't read {file}", param_hint="FILE")
    if kind_of(out.name) is None:
        raise typer.BadParameter(f"no kind of file ends so; known: {', '.join(KINDS)}")
    console = Console(stderr=True, highlight=False)
    mapping = mapping_of(column)
    fresh = out.with_name(f".{out.name}.part")
    try:
        with ExitStack() as opened:
            source = opened.enter_context(file.open("rb"))
            reasons = opened.enter_context(rejects.open("wb")) if rejects else None
            size = file.stat().st_size
            bar = wrap_file(source, size, description="reading", console=console, transient=True)
            conversion = Conversion(FORMATS[to], reasons, console)
            rows = read_rows(opened.enter_context(bar), size, settings.max_line_bytes)
            found, rows = recognised(mapped(rows, mapping), layout)
            written = write_rows(fresh, conversion.rows(rows, found), out.name)
        fresh.rename(out)
    finally:
        fresh.unlink(missing_ok=True)
    tell(conversion, found, written, out, console, as_json=as_json)
    if conversion.counts["not_expressible"]:
        raise typer.Exit(INCOMPLETE)


class Conversion:
    """Each line in the other layout; what could not be converted is counted and named."""

    def __init__(self, target: Format, reasons: IO[bytes] | None, console: Console) -> None:
        self.target, self.reasons, self.console = target, reasons, console
        self.counts: Counter[str] = Counter()

    def rows(self, rows: Iterator[Row], source: Format | None) -> Iterator[dict[str, Any]]:
        for row in rows:
            self.counts["rows_in"] += len(row.of_file())
            value = row.value
            if not isinstance(value, RowError) and source is not None:
                try:
                    records = source.read_all(value)
                    written = [each for record in records for each in self.target.write(record)]
                except RowError as error:
                    value = error
                else:
                    yield from written
                    continue
            assert isinstance(value, RowError)
            for part in row.of_file():
                self.leave_out(part, value)

    def leave_out(self, row: Row, error: RowError) -> None:
        expressible = error.code != "not_expressible"
        self.counts["unreadable" if expressible else "not_expressible"] += 1
        left_out = self.counts["unreadable"] + self.counts["not_expressible"]
        if left_out <= SHOWN:
            said = f"line {row.line}: {error.message}"
            self.console.print(said, markup=False, soft_wrap=True)
        if self.reasons:
            reject = {
                "line": row.line,
                "field": error.field,
                "code": error.code,
                "message": error.message,
                "raw": row.raw.decode("utf-8", "backslashreplace"),
            }
            self.reasons.write(orjson.dumps(reject, option=orjson.OPT_APPEND_NEWLINE))


def tell(
    conversion: Conversion, source: Format | None, written: int, out: Path, console: Console,
    *, as_json: bool,
) -> None:  # fmt: skip
    """What was done, on the screen or as one JSON value."""
    counts = conversion.counts
    skipped = counts["unreadable"] + counts["not_expressible"]
    if as_json:
        done = {
            "out": str(out),
            "from": source.name if source else None,
            "to": conversion.target.name,
            "rows_in": counts["rows_in"],
            "rows_written": written,
            "unreadable": counts["unreadable"],
            "not_expressible": counts["not_expressible"],
        }
        typer.echo(orjson.dumps(done).decode())
        return
    if skipped > SHOWN:
        console.print(f"… and {skipped - SHOWN:,} more lines")
    name = source.name if source else "nothing"
    console.print(
        f"{written:,} rows written to {out} ({name} -> {conversion.target.name}), "
        f"{skipped:,} lines left out",
        soft_wrap=True,
    )
