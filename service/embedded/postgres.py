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

from service.embedded import processes
from service.embedded.accounts import account, switch
from service.embedded.binaries import postgres_programs
from service.embedded.folders import known_folder, server_folder
from service.embedded.home import EmbeddedError, locked, open_home

PORT = 5432  # names the socket; nothing listens on TCP
START_SECONDS = 60
LOCK_SECONDS = 10  # a server that is just going down still holds its lock file
LOCKED_OUT = ("lock file", "shared memory block")  # of what a server says that finds another
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}
PASSWORD = "postgres.password"


class Server(NamedTuple):
    home: Path
    folder: Path  # data and socket
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
            if not (server.data / "PG_VERSION").exists():
                initialise(server, programs)
            launch(server, programs)
        create_database(server)
    return server.url()


def find(home: Path) -> Server:
    """The home's server, running or not. Its password keeps other users of the machine out."""
    who = account(home)
    folder = server_folder(home, who)
    secret = home / PASSWORD
    if not secret.exists():
        if (folder / "data").exists():
            folder = put_aside(home, folder, who)
        fresh = secret.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(24))
        fresh.rename(secret)
    return Server(home, folder, who, secret.read_text())


def put_aside(home: Path, folder: Path, who: pwd.struct_passwd | None) -> Path:
    """Move the fall-back folder of a home that was deleted away: its password went with it."""
    if folder.parent == home:
        raise EmbeddedError(f"{home / PASSWORD} is missing, and {folder} can't be read without it")
    end(folder / "data")
    folder.rename(f"{folder}.orphan-{time.time_ns()}")
    return server_folder(home, who)


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
    secret = home / PASSWORD
    if not secret.exists():
        return False
    return alive(Server(home, known_folder(home), None, secret.read_text()))


def initialise(server: Server, programs: Path) -> None:
    """Make the data folder. It gets its name when complete: an interrupted initdb is waste."""
    for waste in server.folder.glob("data.*"):
        discard(waste)
    for waste in server.folder.glob("password.*"):
        waste.unlink()
    token = secrets.token_hex(4)
    fresh, secret = server.folder / f"data.{token}", server.folder / f"password.{token}"
    # The folder is the server user's, and we may be root: O_EXCL follows no link laid out for us.
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(server.password)
        if server.who is not None:
            os.fchown(file.fileno(), server.who.pw_uid, server.who.pw_gid)
    done = subprocess.run(
        [programs / "initdb", "-D", fresh, "-U", "prefsift", "-A", "scram-sha-256",
         "--pwfile", secret, "-E", "UTF8", "--no-instructions"],
        cwd="/", env=ENVIRONMENT, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **switch(server.who),
    )  # fmt: skip
    secret.unlink()
    if done.returncode:
        said = done.stdout.decode(errors="replace")
        raise EmbeddedError(f"initdb failed in {server.folder}: {said[-500:]}")
    fresh.rename(server.data)


def discard(waste: Path) -> None:
    """Remove what an interrupted initdb left, which may still be at it: its parent was killed."""
    until = time.monotonic() + LOCK_SECONDS
    while waste.exists():
        for pid in started_on(waste, b"initdb"):
            processes.signal_to(pid, signal.SIGKILL)
        shutil.rmtree(waste, ignore_errors=True)
        if time.monotonic() > until:
            raise EmbeddedError(f"can't remove {waste}: something still writes there")
        time.sleep(0.05)


def launch(server: Server, programs: Path) -> None:
    """Start the server and wait for it, through the lock file of one that is just going down."""
    give_up = time.monotonic() + START_SECONDS
    locked_out = time.monotonic() + LOCK_SECONDS
    command = [
        str(programs / "postgres"), "-D", str(server.data), "-k", str(server.folder),
        "-p", str(PORT), "-h", "", "-c", "max_connections=200", "-c", "shared_buffers=256MB",
        "-c", "max_wal_size=2GB", "-c", "logging_collector=off",
    ]  # fmt: skip
    while True:
        with processes.open_log(server.home, "postgres") as log:
            begin = log.tell()
            process = subprocess.Popen(
                command, cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True, **switch(server.who),
            )  # fmt: skip
        while process.poll() is None and time.monotonic() < give_up:
            if alive(server):
                return
            time.sleep(0.05)
        if process.poll() is None:
            end(server.data)
            raise EmbeddedError(f"PostgreSQL did not answer in {START_SECONDS} s: see {log.name}")
        said = Path(log.name).read_bytes()[begin:].decode(errors="replace")
        patience = give_up if postmasters(server.data) else locked_out
        if not any(sign in said for sign in LOCKED_OUT) or time.monotonic() > patience:
            raise EmbeddedError(f"PostgreSQL did not start: {said[-500:]} (see {log.name})")
        drop_stale_locks(server)
        time.sleep(0.5)


def drop_stale_locks(server: Server) -> None:
    """Remove lock files where no server of this folder runs: their pid was given to another."""
    if not postmasters(server.data):
        for lock in (server.data / "postmaster.pid", server.folder / f".s.PGSQL.{PORT}.lock"):
            lock.unlink(missing_ok=True)


def create_database(server: Server) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'prefsift'")
        if found.fetchone() is None:
            connection.execute("CREATE DATABASE prefsift")


def stop(home: Path) -> bool:
    """Stop the home's server, by force if it does not listen; False where none ran."""
    home = open_home(home)
    with locked(home, "postgres"):
        return end(known_folder(home) / "data")


def postmasters(data: Path) -> list[int]:
    """Pids of the server that was started on this data folder: at most one, but for a moment."""
    return started_on(data, b"postgres")


def started_on(data: Path, program: bytes) -> list[int]:
    return [
        pid for pid in processes.all_pids()
        if os.fsencode(data) in (said := processes.arguments_of(pid)) and said[0].endswith(program)
    ]  # fmt: skip


def end(data: Path) -> bool:
    """Fast shutdown, then immediate, then SIGKILL; back when its children are gone as well."""
    found = postmasters(data)
    family = [*found, *processes.children(found)]
    for how, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        for pid in postmasters(data):
            processes.signal_to(pid, how)
        if processes.gone(family, seconds):
            return bool(found)
    raise EmbeddedError(f"PostgreSQL (pid {found}) does not stop")
