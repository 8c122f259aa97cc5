"""The process that reads users' files: it holds no secret, and its memory is limited.

`python -m service.ingest.parsing` answers one request a line on its standard input (see
`service.ingest.parser`). Each is served by a fork of its own, whose frames go to the standard
output; where the fork ends by a signal, so does this process, with the same number.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import IO, Any

import orjson

from service import files
from service.errors import ServiceError, TooLarge
from service.ingest.copying import Seen
from service.ingest.frames import write_frame
from service.ingest.mapping import mapped
from service.ingest.preview import preview
from service.ingest.taking import Taker, place_of, recognised
from service.reading.rows import READ_BY_PYARROW, read_rows

PAGE = resource.getpagesize()


def rows_of(request: dict[str, Any], file: IO[bytes]) -> Any:
    rows = read_rows(file, request["size"], request["max_line"], request["on_nul"])
    return mapped(rows, request["mapping"])


def ingest(request: dict[str, Any], out: IO[bytes]) -> None:
    """A frame a chunk, with the counts so far."""
    with files.open(request["key"]) as file:
        layout, rows = recognised(rows_of(request, file), request["layout"])
        taker = Taker(place_of(request), layout, atomic=request["mode"] == "atomic")
        seen = Seen() if request["empty"] else None
        for chunk in taker.chunks(rows):
            parts = chunk.parts(seen)
            header = {"counts": taker.counts(), "parts": [part[:2] for part in parts]}
            write_frame(out, header, [part.rows for part in parts])


def look(request: dict[str, Any], out: IO[bytes]) -> None:
    """One frame: how the file would be read."""
    with files.open(request["key"]) as file:
        rows = read_rows(file, request["size"], request["max_line"], request["on_nul"])
        write_frame(out, {"preview": preview(rows, request["layout"], request["mapping"])})


OPERATIONS: dict[str, Callable[[dict[str, Any], IO[bytes]], None]] = {
    "ingest": ingest,
    "preview": look,
}


def work(request: dict[str, Any], out: IO[bytes]) -> None:
    """Serve one request within its memory; what is wrong with the file is a frame, too."""
    limit_memory(request["memory"])
    try:
        OPERATIONS[request["operation"]](request, out)
        write_frame(out, {"done": True})
    except MemoryError:
        error = TooLarge("reading the file takes too much memory", code="memory_limit")
        write_frame(out, {"error": {"status": error.status, **error.problem()}})
    except ServiceError as error:
        write_frame(out, {"error": error.problem()})


def limit_memory(more: int) -> None:
    """`more` bytes on top of what this process has now; the program itself is not counted."""
    with open("/proc/self/statm", "rb") as file:
        now = int(file.read().split()[0]) * PAGE
    resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def prepare(request: dict[str, Any]) -> None:
    """Load what the file asks for before the fork: there, each time, it would count as memory."""
    with files.open(request["key"]) as file:
        if file.read(6).startswith(READ_BY_PYARROW):
            from service.reading import arrow_files, parquet

            del arrow_files, parquet


def serve() -> None:
    """Until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        prepare(request)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(request, out)
                code = 0
            except BrokenPipeError:
                code = 0
            finally:
                if code and (error := sys.exception()):
                    sys.excepthook(type(error), error, error.__traceback__)
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            sys.exit(code if code > 0 else 128 - code)


if __name__ == "__main__":
    serve()
