"""Background processes of a home: found by a mark in their environment, never by a pid alone."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

MARK = "PREFSIFT_PROCESS"  # "<home>:<name>", inherited by every child


def mark(home: Path, name: str) -> str:
    return f"{home}:{name}"


def spawn(home: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start a process in a session of its own, logging to <home>/logs/<name>.log; its pid."""
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd="/", env={**environment, MARK: mark(home, name)},
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    return process.pid


def running(home: Path, name: str) -> list[int]:
    """Pids of the process and all its descendants, whoever their parent is by now."""
    wanted = os.fsencode(f"{MARK}={mark(home, name)}")
    return [pid for pid in all_pids() if wanted in environment_of(pid) and not zombie(pid)]


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return []


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def stop(home: Path, name: str, patience: float = 20) -> bool:
    """SIGTERM to the eldest, then SIGKILL to whoever is left; False where nothing ran."""
    found = running(home, name)
    if not found:
        return False
    family = set(found)
    for pid in found:
        if parent(pid) not in family:
            signal_to(pid, signal.SIGTERM)
    if not wait_until_gone(home, name, patience):
        for pid in running(home, name):
            signal_to(pid, signal.SIGKILL)
        wait_until_gone(home, name, 10)
    return True


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def signal_to(pid: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def wait_until_gone(home: Path, name: str, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while running(home, name):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
