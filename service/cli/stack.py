"""`prefsift up`, `down`, `status`, `worker`: the whole stack in the background."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import httpx
import orjson
import typer
from rich.console import Console

from service.config import settings
from service.embedded import postgres, processes, valkey
from service.embedded.home import EmbeddedError, locked, open_home, purge

API, WORKER = "api", "worker"
TEMPORARY = "temporary"  # marks a home whose stack ends with the last command that uses it
READY_SECONDS = 60
STOP_SECONDS = 10  # then by force: the job protocol makes that harmless

Queue = Annotated[list[str] | None, typer.Option(help="cpu or gpu; both if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


class Stack(NamedTuple):
    """A running service. `started`: by this call; `key`: the file's, `new_key` if just made."""

    url: str
    key: str
    started: bool
    new_key: str | None = None


def ensure_up(home: Path, host: str, port: int, concurrency: int | None = None) -> Stack:
    """Attach to the home's stack, or start what of it does not run. Port 0: any free one.

    Raises EmbeddedError with a message for people.
    """
    home = open_home(home)
    with locked(home, "stack"):
        started = not processes.running(home, API)
        environment = server_environment(home)
        new_key = run_bootstrap(home, environment)
        url = running_url(home) or start_api(home, host, port, environment)
        if not processes.running(home, WORKER):
            processes.spawn(home, WORKER, worker_command(concurrency), environment)
        wait_ready(home, url)
    return Stack(url, (home / "api.key").read_text().strip(), started, new_key)


def server_environment(home: Path) -> dict[str, str]:
    """The environment of the API and the workers; starts the embedded servers it names."""
    database = os.environ.get("DATABASE_URL") or settings.database_url or postgres.start(home)
    broker = os.environ.get("CELERY_BROKER_URL") or settings.broker_url or valkey.start(home)
    return {
        **os.environ,
        "DATABASE_URL": database,
        "CELERY_BROKER_URL": broker,
        "PREFSIFT_HOME": str(home),
        "OMP_NUM_THREADS": "1",  # one process a core: more threads are slower
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def run_bootstrap(home: Path, environment: dict[str, str]) -> str | None:
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
    return record.read_text().strip() if processes.running(home, API) and record.exists() else None


def start_api(home: Path, host: str, port: int, environment: dict[str, str]) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            detail = f"{host}:{port} can't be used ({error.strerror}): set PREFSIFT_PORT"
            raise EmbeddedError(detail) from error
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "uvicorn", "service.app:app", "--host", host, "--port", str(port),
        "--no-access-log", "--timeout-graceful-shutdown", "5",
    ]  # fmt: skip
    url = f"http://{host}:{port}"
    (home / "api.url").write_text(f"{url}\n")
    processes.spawn(home, API, command, environment)
    return url


def worker_command(concurrency: int | None, queues: list[str] | None = None) -> list[str]:
    return [
        sys.executable, "-m", "celery", "-A", "workers.tasks", "worker",
        "-Q", ",".join(queues or ["cpu", "gpu"]), "-c", str(concurrency or os.cpu_count() or 1),
        "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "-n", "prefsift@%h-%i",
    ]  # fmt: skip


def wait_ready(home: Path, url: str) -> None:
    """Wait for /readyz; say which part ended if one did."""
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
        if not processes.running(home, API):
            log = home / "logs" / f"{API}.log"
            raise EmbeddedError(f"the API ended: {last_line(log.read_text())} (see {log})")
        time.sleep(0.1)
    raise EmbeddedError(f"the API is not ready after {READY_SECONDS} s: {said}")


def stop_all(home: Path) -> list[str]:
    """Stop every part that runs, workers first; their names."""
    home = open_home(home)
    with locked(home, "stack"):
        stopped = [
            name for name in (WORKER, API) if processes.stop(home, name, patience=STOP_SECONDS)
        ]
        stopped += [
            name for name, stop in (("valkey", valkey.stop), ("postgres", postgres.stop))
            if stop(home)
        ]  # fmt: skip
    return stopped


def state_of(home: Path) -> dict[str, object]:
    """What runs: the parts by a real answer where they can give one."""
    url = running_url(home)
    healthy = False
    if url is not None:
        try:
            healthy = httpx.get(f"{url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            healthy = False
    parts = {
        "postgres": bool(os.environ.get("DATABASE_URL")) or postgres.is_running(home),
        "valkey": bool(os.environ.get("CELERY_BROKER_URL"))
        or valkey.answers(valkey.socket_path(home)),
        "api": healthy,
        "worker": bool(processes.running(home, WORKER)),
    }
    return {"home": str(home), "url": url, "running": all(parts.values()), "parts": parts}


def up(
    port: Annotated[int | None, typer.Option(help="0: any free one. Default: 8000.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Worker processes; default: cores.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start PostgreSQL, the broker, the API and a worker in the background, or attach to them.

    Example: prefsift up && curl http://127.0.0.1:8000/healthz
    """
    stack = ensure_up(
        settings.home, settings.host, settings.port if port is None else port, concurrency
    )
    (settings.home.expanduser() / TEMPORARY).unlink(missing_ok=True)
    if as_json:
        typer.echo(orjson.dumps(stack._asdict()).decode())
        return
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"prefsift {'is up' if stack.started else 'was up already'} at {stack.url}")
    out.print(f"API pages: {stack.url}/docs")
    key_file = settings.home.expanduser() / "api.key"
    if stack.new_key:
        out.print(f"API key (shown once, kept in {key_file}): {stack.new_key}")
    else:
        out.print(f"API key: in {key_file}")


def down(
    with_data: Annotated[bool, typer.Option("--purge", help="Also delete all data.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything that `up` started. The data stay, unless --purge is given."""
    home = settings.home.expanduser()
    if not home.exists():
        typer.echo(f"nothing to stop: there is no {home}")
        return
    home = open_home(home)
    if with_data and not yes:
        typer.confirm(f"Delete all data of {home}?", abort=True)
    stopped = stop_all(home)
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
    if with_data:
        purge(home)
        typer.echo(f"deleted {home}")


def status(as_json: Json = False) -> None:
    """Say what runs, and where. Exit code 1 if a part is down."""
    home = settings.home.expanduser()
    found = state_of(home.resolve())
    if as_json:
        typer.echo(orjson.dumps(found).decode())
    else:
        parts = found["parts"]
        assert isinstance(parts, dict)
        typer.echo(f"home {found['home']}\nurl  {found['url'] or '-'}")
        for name, runs in parts.items():
            typer.echo(f"{name:9s}{'running' if runs else 'down'}")
    if not found["running"]:
        raise typer.Exit(1)


def worker(
    queue: Queue = None,
    concurrency: Annotated[int | None, typer.Option(help="Processes; default: cores.")] = None,
) -> None:
    """Run a worker in the foreground, on this home's stack or on DATABASE_URL and the broker.

    Example: prefsift worker --queue gpu --concurrency 1
    """
    unknown = set(queue or []) - {"cpu", "gpu"}
    if unknown:
        raise typer.BadParameter(f"no queue {', '.join(sorted(unknown))}; known: cpu, gpu")
    environment = server_environment(open_home(settings.home))
    command = worker_command(concurrency, queue)
    os.execvpe(command[0], command, environment)
