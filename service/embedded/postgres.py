"""A PostgreSQL of our own: started if it does not run, attached to if it does."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

from service.embedded.binaries import postgres_programs
from service.embedded.home import (
    EmbeddedError,
    account,
    fallback,
    locked,
    open_home,
    recorded_fallback,
    server_folder,
    switch,
)

PORT = 5432  # names the socket; nothing listens on TCP
START_SECONDS = 60
LOCK_SECONDS = 10  # a server that is just going down still holds its lock file
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}


class Server(NamedTuple):
    folder: Path  # data, socket and log
    who: pwd.struct_passwd | None
    password: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "prefsift") -> str:
        return f"postgresql://prefsift:{self.password}@/{database}?host={self.folder}&port={PORT}"


def start(home: Path) -> str:
    """The URL of the home's server, which runs and has the database `prefsift` from now on."""
    home = open_home(home)
    with locked(home, "postgres"):
        server = find(home)
        if not alive(server):
            programs = postgres_programs(server.folder, server.who)
            initialise(server, programs)
            launch(server, programs)
        create_database(server)
    return server.url()


def find(home: Path) -> Server:
    """The home's server, running or not. Its password keeps other users of the machine out."""
    who = account()
    retire_orphan(home)
    secret = home / "postgres.password"
    if not secret.exists():
        fresh = secret.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(24))
        fresh.rename(secret)
    return Server(server_folder(home, who), who, secret.read_text())


def alive(server: Server) -> bool:
    """Liveness is a real connection: a pid file may be stale."""
    try:
        psycopg.connect(server.url("postgres"), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise EmbeddedError(f"another PostgreSQL listens in {server.folder}") from error
        return False
    return True


def is_running(home: Path) -> bool:
    """Whether the home's server answers; starts and makes nothing."""
    secret = home / "postgres.password"
    if not secret.exists():
        return False
    folder = recorded_fallback(home) or home / "postgres"
    return alive(Server(folder, None, secret.read_text()))


def initialise(server: Server, programs: Path) -> None:
    """Make the data folder; an initdb that was interrupted is done again."""
    if (server.data / "PG_VERSION").exists() and (server.folder / "initialised").exists():
        return
    shutil.rmtree(server.data, ignore_errors=True)
    secret = server.folder / "initial.password"
    secret.touch(mode=0o600)
    secret.write_text(server.password)
    if server.who is not None:
        os.chown(secret, server.who.pw_uid, server.who.pw_gid)
    done = subprocess.run(
        [programs / "initdb", "-D", server.data, "-U", "prefsift", "-A", "scram-sha-256",
         "--pwfile", secret, "-E", "UTF8", "--no-instructions"],
        cwd="/", env=ENVIRONMENT, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **switch(server.who),
    )  # fmt: skip
    secret.unlink()
    if done.returncode:
        output = done.stdout.decode(errors="replace").strip()
        raise EmbeddedError(f"initdb failed in {server.folder}: {output[-500:]}")
    (server.folder / "initialised").touch()


def launch(server: Server, programs: Path) -> None:
    """Start the server and wait for it, through the lock file of one that is just going down."""
    give_up = time.monotonic() + START_SECONDS
    locked_out = time.monotonic() + LOCK_SECONDS
    log = server.folder / "postgres.log"
    while True:
        with log.open("ab") as output:
            begin = output.tell()
            process = subprocess.Popen(
                [programs / "postgres", "-D", server.data, "-k", server.folder, "-p", str(PORT),
                 "-h", "", "-c", "max_connections=200", "-c", "shared_buffers=256MB",
                 "-c", "max_wal_size=2GB", "-c", "logging_collector=off"],
                cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, **switch(server.who),
            )  # fmt: skip
        while process.poll() is None and time.monotonic() < give_up:
            if alive(server):
                return
            time.sleep(0.05)
        said = log.read_bytes()[begin:].decode(errors="replace").strip()
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)
            raise EmbeddedError(f"PostgreSQL did not answer in {START_SECONDS} s: see {log}")
        if "lock file" not in said or time.monotonic() > locked_out:
            raise EmbeddedError(f"PostgreSQL did not start: {said[-500:]} (see {log})")
        drop_stale_lock(server)
        time.sleep(0.5)


def drop_stale_lock(server: Server) -> None:
    """Remove a lock file whose process is no PostgreSQL: its number was given to another."""
    for lock in (server.data / "postmaster.pid", server.folder / f".s.PGSQL.{PORT}.lock"):
        pid = pid_in(lock)
        if pid is not None and not is_postgres(pid):
            lock.unlink(missing_ok=True)


def pid_in(lock: Path) -> int | None:
    try:
        return abs(int(lock.read_text().split("\n")[0]))
    except (FileNotFoundError, ValueError):
        return None


def is_postgres(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def create_database(server: Server) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'prefsift'")
        if found.fetchone() is None:
            connection.execute("CREATE DATABASE prefsift")


def retire_orphan(home: Path) -> None:
    """Put aside the fall-back folder of a home that was deleted: its password went with it."""
    folder = fallback(home)
    if folder.exists() and recorded_fallback(home) is None:
        stop_in(folder)
        folder.rename(f"{folder}.orphan-{time.time_ns()}")


def stop(home: Path) -> bool:
    """Stop the home's server, by force if it does not listen; False where none ran."""
    home = open_home(home)
    with locked(home, "postgres"):
        return stop_in(recorded_fallback(home) or home / "postgres")


def stop_in(folder: Path) -> bool:
    pid = pid_in(folder / "data" / "postmaster.pid")
    if pid is None or not runs_in(pid, folder / "data"):
        return False
    for how, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return True
        if gone(pid, seconds):
            return True
    raise EmbeddedError(f"PostgreSQL (pid {pid}) does not stop")


def runs_in(pid: int, data: Path) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(data) in arguments


def gone(pid: int, seconds: float) -> bool:
    """Wait for a process to end; a zombie that somebody has yet to collect has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False
