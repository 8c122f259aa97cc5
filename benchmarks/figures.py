"""What a benchmark has measured: printed as it comes, and kept in a file that always is whole."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, track


class Figures:
    """`path`: a list of objects, one a line that was printed; None keeps none."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: list[dict[str, object]] = []

    def add(self, line: str, **values: object) -> None:
        print(line, flush=True)
        self.extend([values])

    def extend(self, found: list[dict[str, object]]) -> None:
        """What another process has printed."""
        self.found += found
        if self.path is not None:
            part = self.path.with_suffix(".part")
            option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
            part.write_bytes(orjson.dumps(self.found, option=option))
            part.rename(self.path)


def rounds(count: int, what: str) -> Iterator[int]:
    """0, 1, …, beside a bar on stderr that goes when they are done."""
    yield from track(range(count), what, console=Console(stderr=True), transient=True)


@contextmanager
def working(what: str) -> Generator[None]:
    """The time that goes by, on stderr."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        shown.add_task(what, total=None)
        yield
