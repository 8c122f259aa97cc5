"""`prefsift up`, `down`, `status`, `worker`: the whole stack in the background."""

import os
from pathlib import Path
from typing import Annotated

import httpx
import orjson
import psycopg
import typer
from rich.console import Console

from service.cli import launcher
from service.cli.launcher import API, QUEUES, TEMPORARY, WORKER, running_url
from service.config import settings
from service.embedded import postgres, processes, valkey
from service.embedded.home import locked, open_home

Queue = Annotated[list[str] | None, typer.Option(help="cpu or gpu; both if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
Processes = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: cores.")]


def up(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any free one. Default: 8000.")
    ] = None,
    concurrency: Processes = None,
    as_json: Json = False,
) -> None:
    """Start PostgreSQL, the broker, the API and a worker in the background, or attach to them.

    Example: prefsift up && curl http://127.0.0.1:8000/healthz
    """
    wanted = settings.port if port is None else port
    stack = launcher.ensure_up(settings.home, settings.host, wanted, concurrency)
    home = open_home(settings.home)
    (home / TEMPORARY).unlink(missing_ok=True)
    docs, key_file = f"{stack.url}/docs", str(home / "api.key")
    if as_json:
        shown = {"url": stack.url, "docs": docs, "started": stack.started}
        typer.echo(orjson.dumps({**shown, "new_key": stack.new_key, "key_file": key_file}))
        return
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"prefsift {'is up' if stack.started else 'was up already'} at {stack.url}")
    out.print(f"API pages: {docs}")
    if stack.new_key:
        out.print(f"API key (shown once, kept in {key_file}): {stack.new_key}", markup=False)
    else:
        out.print(f"API key: in {key_file}", markup=False)


def down(
    with_data: Annotated[bool, typer.Option("--purge", help="Also delete all data.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything that `up` started. The data stay, unless --purge is given."""
    home = settings.home.expanduser()
    if not home.exists():
        typer.echo(f"nothing to stop: there is no {home}")
        return
    if with_data and not yes:
        typer.confirm(f"Delete all data of {home}?", abort=True)
    stopped = launcher.purge(home) if with_data else launcher.stop_all(home)
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
    if with_data:
        typer.echo(f"deleted the data of {home}")


def status(as_json: Json = False) -> None:
    """Say what runs, and where. Exit code 1 if a part is down."""
    home = settings.home.expanduser().resolve()
    url, parts = running_url(home), parts_of(home)
    running = all(parts.values())
    if as_json:
        found = {"home": str(home), "url": url, "running": running, "parts": parts}
        typer.echo(orjson.dumps(found))
    else:
        typer.echo(f"home {home}\nurl  {url or '-'}")
        for name, runs in parts.items():
            typer.echo(f"{name:9s}{'running' if runs else 'down'}")
    if not running:
        raise typer.Exit(1)


def parts_of(home: Path) -> dict[str, bool]:
    """Whether each part runs: by a real answer where it can give one."""
    url = running_url(home)
    database, broker = servers_of(home)
    return {
        "postgres": postgres_answers(database) if database else postgres.is_running(home),
        "valkey": launcher.broker_answers(broker)
        if broker
        else valkey.answers(valkey.socket_path(home)),
        "api": url is not None and api_answers(url),
        "worker": processes.leader(home, WORKER) is not None,
    }


def servers_of(home: Path) -> tuple[str, str]:
    """The URLs that the running API was given, whatever this shell's are; '' if unknown."""
    pid = processes.leader(home, API)
    if pid is None:
        return settings.database_url, settings.broker_url
    given = (entry.partition(b"=") for entry in processes.environment_of(pid))
    environment = {os.fsdecode(name): os.fsdecode(value) for name, _, value in given}
    return environment.get("DATABASE_URL", ""), environment.get("CELERY_BROKER_URL", "")


def postgres_answers(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    try:
        psycopg.connect(f"{scheme.split('+')[0]}://{rest}", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def api_answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def worker(queue: Queue = None, concurrency: Processes = None) -> None:
    """Run a worker in the foreground, on this home's stack or on DATABASE_URL and the broker.

    Example: prefsift worker --queue gpu --concurrency 1
    """
    unknown = set(queue or []) - set(QUEUES)
    if unknown:
        raise typer.BadParameter(f"no queue {', '.join(sorted(unknown))}; known: cpu, gpu")
    home = open_home(settings.home)
    with locked(home, "stack"):
        environment = launcher.server_environment(home)
        if not settings.database_url:
            launcher.run_bootstrap(home, environment)  # a database of our own may be new
    command = launcher.worker_command(concurrency, queue)
    os.execvpe(command[0], command, environment)
