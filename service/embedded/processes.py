"""Background processes of a home: found by a mark in their environment, never by a pid alone."""

import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from service.embedded.home import EmbeddedError

MARK = "PREFSIFT_PROCESS"  # "<home>:<name>", inherited by every child
LARGE_LOG = 32 << 20  # bytes; a larger one is put aside at the next start


def mark(home: Path, name: str) -> str:
    return f"{home}:{name}"


def open_log(home: Path, name: str) -> IO[bytes]:
    """<home>/logs/<name>.log, to append to; the one before it is kept as .log.1."""
    logs = home / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    path = logs / f"{name}.log"
    if path.exists() and path.stat().st_size > LARGE_LOG:
        path.rename(logs / f"{name}.log.1")
    return path.open("ab")


def spawn(home: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start a process in a session of its own, logging to <home>/logs/<name>.log; its pid."""
    # SPT_NOENV: setproctitle, where a library brings it, would write over the mark.
    marked = {**environment, MARK: mark(home, name), "SPT_NOENV": "1"}
    with open_log(home, name) as log:
        process = subprocess.Popen(
            command, cwd="/", env=marked, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    return process.pid


def running(home: Path, name: str) -> list[int]:
    """Pids of the process and all its descendants, whoever their parent is by now."""
    wanted = os.fsencode(f"{MARK}={mark(home, name)}")
    return [pid for pid in all_pids() if wanted in environment_of(pid) and not ended(pid)]


def leader(home: Path, name: str) -> int | None:
    """Pid of the process that was started; None where at most orphans of it are left."""
    with suppress(ProcessLookupError):
        return next((pid for pid in running(home, name) if os.getsid(pid) == pid), None)
    return None


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return []


def arguments_of(pid: int) -> list[bytes]:
    """The command line; readable for everybody, but empty where a process has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def state_and_parent(pid: int) -> tuple[str, int]:
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return "X", 0
    return state, int(parent)


def ended(pid: int) -> bool:
    """Gone, or a zombie that somebody has yet to collect."""
    return state_and_parent(pid)[0] in "XZ"


def children(parents: Collection[int]) -> list[int]:
    return [pid for pid in all_pids() if state_and_parent(pid)[1] in parents]


def stop(home: Path, name: str, patience: float = 20) -> bool:
    """SIGTERM to the eldest, then SIGKILL to whoever is left; False where nothing ran."""
    found = running(home, name)
    for pid in found:
        if state_and_parent(pid)[1] not in found:
            signal_to(pid, signal.SIGTERM)
    until = time.monotonic() + patience
    while left := running(home, name):  # asked anew: they may have had children meanwhile
        if time.monotonic() > until + 30:
            raise EmbeddedError(f"{name} (pid {left}) does not stop")
        if time.monotonic() > until:
            for pid in left:
                signal_to(pid, signal.SIGKILL)
        time.sleep(0.1)
    return bool(found)


def signal_to(pid: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def gone(pids: Collection[int], seconds: float) -> bool:
    """Wait for processes to end; whether they all did."""
    until = time.monotonic() + seconds
    while not all(ended(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
