"""Asks the parsing process to read a file, and hears what it finds."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import orjson

from service.config import settings
from service.errors import Invalid, ServiceError, TooLarge, UnsupportedFile
from service.ingest.frames import Frame, FrameReader, Silence

PIPE_BYTES = 1 << 20
SECRETS = (
    "DATABASE_URL", "PREFSIFT_DATABASE_URL", "CELERY_BROKER_URL", "PREFSIFT_BROKER_URL",
    "PREFSIFT_API_KEY", "HF_TOKEN",
)  # fmt: skip
KINDS = {kind.status: kind for kind in (Invalid, TooLarge, UnsupportedFile)}


def environment() -> dict[str, str]:
    """Ours without what a file's reader must not know."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    # pyarrow's own allocator would reserve a gigabyte of address space at once.
    return kept | {"ARROW_DEFAULT_MEMORY_POOL": "system"}


class Parser:
    """One parsing process, and the pipes to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.ingest.parsing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            env=environment(),
        )
        assert self.process.stdin
        assert self.process.stdout
        self.requests, self.answers = self.process.stdin, self.process.stdout
        with suppress(OSError):  # a user may have too many large pipes: then it stays small
            fcntl.fcntl(self.answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def ask(self, request: dict[str, Any]) -> Iterator[Frame]:
        self.requests.write(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
        self.requests.flush()
        reader = FrameReader(self.answers.fileno(), settings.parse_silence_seconds)
        while (frame := reader.read()) is not None:
            if "done" in frame.header:
                return
            if "error" in frame.header:
                raise refused(frame.header["error"])
            yield frame
        raise self.died()

    def died(self) -> Exception:
        code = self.process.wait()
        if code > 128 and code - 128 != signal.SIGKILL:
            name = signal.Signals(code - 128).name
            return Invalid(f"reading the file ended with {name}", code="unreadable_file")
        # A bug of ours, or somebody killed it: the job is tried again.
        return RuntimeError(f"the parsing process ended with {code}")

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.requests.close()
        self.answers.close()


def refused(problem: dict[str, Any]) -> ServiceError:
    """The error that the parsing process met."""
    fields = {
        name: value
        for name, value in problem.items()
        if name not in ("type", "title", "status", "code", "detail")
    }
    return KINDS[problem["status"]](problem["detail"], code=problem["code"], **fields)


idle: SimpleQueue[Parser] = SimpleQueue()


def parse(operation: str, **request: Any) -> Iterator[Frame]:
    """The frames of an operation of `service.ingest.parsing`.

    Raises what is wrong with the file (Invalid, TooLarge, UnsupportedFile); RuntimeError where the
    process was killed. The process is used again unless the caller leaves before the end.
    """
    try:
        parser = idle.get_nowait()
    except Empty:
        parser = Parser()
    told = False
    try:
        limits = {"memory": settings.parse_memory_bytes, "max_line": settings.max_line_bytes}
        yield from parser.ask({"operation": operation, **limits, **request})
        told = True
    except ServiceError:
        told = parser.process.poll() is None  # else it died of the file
        raise
    except Silence:
        raise Invalid("reading the file takes too long", code="parse_timeout") from None
    finally:
        if told:
            idle.put(parser)
        else:
            parser.stop()
