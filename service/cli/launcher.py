"""Starts, finds and stops the whole service of a home: database, broker, API, worker."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from service.config import settings
from service.embedded import folders, postgres, processes, valkey
from service.embedded.home import FOLDERS, EmbeddedError, locked, open_home

API, WORKER = "api", "worker"
TEMPORARY = "temporary"  # marks a home whose stack ends with the last command that uses it
READY_SECONDS = 60
STOP_SECONDS = 10  # then by force: the job protocol makes that harmless
QUEUES = ["cpu", "gpu"]


class Stack(NamedTuple):
    """A running service. `started`: by this call; `key`: the file's, `new_key` if just made."""

    url: str
    key: str
    started: bool
    new_key: str | None = None


def ensure_up(home: Path, host: str, port: int, concurrency: int | None = None) -> Stack:
    """Attach to the home's stack, or start what of it does not run. Port 0: any free one.

    Raises EmbeddedError with a message for people; then what was started is stopped again.
    """
    home = open_home(home)
    refuse_foreign(home)
    with locked(home, "stack"):
        started = processes.leader(home, API) is None
        if started:
            port = free_port(host, port)
        with all_or_nothing(home, started):
            environment = server_environment(home)
            new_key = run_bootstrap(home, environment)
            url = running_url(home) or start_api(home, host, port, environment)
            if processes.leader(home, WORKER) is None:
                processes.stop(home, WORKER, STOP_SECONDS)  # orphans of one that was killed
                processes.spawn(home, WORKER, worker_command(concurrency), environment)
            wait_for_api(home, url)
            wait_for_worker(home, environment["CELERY_BROKER_URL"])
    return Stack(url, (home / "api.key").read_text().strip(), started, new_key)


def refuse_foreign(home: Path) -> None:
    """A folder of somebody's own is no home: purging it later would delete what we did not make."""
    if (home / "stack.lock").exists():
        return
    foreign = sorted(name for name in FOLDERS if (home / name).exists())
    if foreign:
        taken = home / foreign[0]
        raise EmbeddedError(f"{taken} is not prefsift's: name an empty folder with PREFSIFT_HOME")


@contextmanager
def all_or_nothing(home: Path, started: bool) -> Generator[None]:
    """A start that fails, or that Ctrl-C ends, leaves nothing running."""
    complete = False
    try:
        yield
        complete = True
    finally:
        if started and not complete:
            stop_parts(home)


def server_environment(home: Path) -> dict[str, str]:
    """The environment of the API and the workers; starts the embedded servers it names."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url or postgres.start(home),
        "CELERY_BROKER_URL": own_broker() or valkey.start(home),
        "PREFSIFT_HOME": str(home),
        "OMP_NUM_THREADS": "1",  # one process a core: more threads are slower
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def own_broker() -> str:
    """The URL of the broker that the settings name, which answers; '' where they name none."""
    url = settings.broker_url
    if url and not broker_answers(url):
        raise EmbeddedError(f"the broker at {without_password(url)} does not answer")
    return url


def broker_answers(url: str) -> bool:
    from kombu.connection import Connection  # takes a while to import
    from kombu.exceptions import OperationalError

    try:
        with Connection(url) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, KeyError):  # KeyError: a scheme that kombu does not know
        return False
    return True


def without_password(url: str) -> str:
    return re.sub(r"//[^@/]*@", "//", url)


def run_bootstrap(home: Path, environment: dict[str, str]) -> str | None:
    """Migrate, and see to a first workspace and its key: the key, if it had to be made."""
    done = subprocess.run(
        [sys.executable, "-m", "service.bootstrap", str(home / "api.key")],
        env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise EmbeddedError(f"the database can't be made ready: {last_line(done.stderr)}")
    return done.stdout.strip() or None


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


def running_url(home: Path) -> str | None:
    """Where the home's API listens, if it runs."""
    record = home / "api.url"
    if processes.leader(home, API) is None or not record.exists():
        return None
    return record.read_text().strip()


def free_port(host: str, port: int) -> int:
    """The port, or any that is free for 0; an error for people where it is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            detail = f"{host}:{port} can't be used ({reason}): try --port, or set PREFSIFT_PORT"
            raise EmbeddedError(detail) from error
        return probe.getsockname()[1]


def start_api(home: Path, host: str, port: int, environment: dict[str, str]) -> str:
    command = [
        sys.executable, "-m", "uvicorn", "service.app:app", "--host", host, "--port", str(port),
        "--http", "service.intake.patience:PatientProtocol", "--no-access-log",
        "--timeout-graceful-shutdown", "5",
    ]  # fmt: skip
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    url = f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"
    (home / "api.url").write_text(f"{url}\n")
    processes.spawn(home, API, command, environment)
    return url


def worker_command(concurrency: int | None, queues: list[str] | None = None) -> list[str]:
    return [
        sys.executable, "-m", "celery", "-A", "workers.tasks", "worker",
        "-Q", ",".join(queues or QUEUES), "-c", str(concurrency or os.cpu_count() or 1),
        "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
        "-n", f"prefsift-{secrets.token_hex(4)}@{socket.gethostname()}",
    ]  # fmt: skip


def wait_for_api(home: Path, url: str) -> None:
    """Wait for /readyz; say why where the process ended."""
    until = time.monotonic() + READY_SECONDS
    said = ""
    while time.monotonic() < until:
        try:
            answer = httpx.get(f"{url}/readyz", timeout=5)
            if answer.status_code == 200:
                return
            said = answer.text[:300]
        except httpx.TransportError as error:
            said = str(error)
        if processes.leader(home, API) is None:
            raise EmbeddedError(f"the API ended: {last_words(home, API)}")
        time.sleep(0.1)
    raise EmbeddedError(f"the API is not ready after {READY_SECONDS} s: {said}")


def wait_for_worker(home: Path, broker_url: str) -> None:
    """Wait until the worker answers a ping over the broker; say why where it ended."""
    from celery import Celery  # takes a while to import, and only a start needs it

    control = Celery(broker=broker_url).control
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        pid = processes.leader(home, WORKER)
        arguments = [] if pid is None else processes.arguments_of(pid)
        if b"-n" not in arguments:
            raise EmbeddedError(f"the worker ended: {last_words(home, WORKER)}")
        node = arguments[arguments.index(b"-n") + 1].decode()
        if control.ping(destination=[node], timeout=1):
            return
    raise EmbeddedError(f"the worker is not ready after {READY_SECONDS} s")


def last_words(home: Path, name: str) -> str:
    log = home / "logs" / f"{name}.log"
    return f"{last_line(log.read_text(errors='replace'))} (see {log})"


def used_home(home: Path) -> Path:
    """Refuse a folder that no stack was ever started in: its `files` or `logs` are not ours."""
    if not (home / "stack.lock").exists():
        raise EmbeddedError(f"{home} was never used by prefsift: nothing in it is touched")
    return open_home(home)


def stop_all(home: Path) -> list[str]:
    """Stop every part that runs, workers first; their names."""
    home = used_home(home)
    with locked(home, "stack"):
        return stop_parts(home)


def purge(home: Path) -> list[str]:
    """Stop every part and delete all data of the home; the names of what ran."""
    home = used_home(home)
    with locked(home, "stack"):
        stopped = stop_parts(home)
        folders.purge(home)
    return stopped


def stop_parts(home: Path) -> list[str]:
    stopped = [name for name in (WORKER, API) if processes.stop(home, name, STOP_SECONDS)]
    for name, stop in (("valkey", valkey.stop), ("postgres", postgres.stop)):
        if stop(home):
            stopped.append(name)
    return stopped
