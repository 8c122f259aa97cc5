"""A Valkey of our own: the broker, on a Unix socket, kept on disk."""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from service.embedded import processes
from service.embedded.accounts import account
from service.embedded.binaries import valkey_program
from service.embedded.folders import known_folder, server_folder, serves
from service.embedded.home import EmbeddedError, locked, open_home

NAME = "valkey"
SOCKET = "valkey.sock"
START_SECONDS = 20


def start(home: Path) -> str:
    """The URL of the home's broker, which runs from now on."""
    home = open_home(home)
    folder = home / NAME
    folder.mkdir(mode=0o700, exist_ok=True)
    if not serves(folder):
        server_folder(home, account(home))  # which makes the one that socket_path names
    path = socket_path(home)
    with locked(home, NAME):
        if not answers(path):
            end(folder, path, patience=1)  # one that does not answer is in the way
            path.unlink(missing_ok=True)
            launch(home, folder, path)
    return f"redis+socket://{path}?virtual_host=0"


def socket_path(home: Path) -> Path:
    """In the home, or beside the database's socket where the home's path is too long."""
    inside = home / NAME
    return (inside if serves(inside) else known_folder(home)) / SOCKET


def answers(path: Path) -> bool:
    """Liveness is a real PING; a server that still reads its file answers LOADING."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith((b"+PONG", b"-LOADING"))
        except OSError:
            return False


def launch(home: Path, folder: Path, path: Path) -> None:
    command = [
        str(valkey_program()), "--dir", str(folder), "--appendonly", "yes", "--save", "",
        "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700",
        "--daemonize", "no",
    ]  # fmt: skip
    pid = processes.spawn(home, NAME, command, {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and not processes.ended(pid):
        if answers(path):
            return
        time.sleep(0.05)
    end(folder, path)
    log = home / "logs" / f"{NAME}.log"
    raise EmbeddedError(f"Valkey did not start: {log.read_text()[-400:]} (see {log})")


def stop(home: Path) -> bool:
    """Stop the home's broker; False where none ran."""
    home = open_home(home)
    with locked(home, NAME):
        return end(home / NAME, socket_path(home))


def holders(folder: Path) -> list[int]:
    """Pids of servers that work in this folder. (Valkey wipes its environment, and so the mark.)"""
    found: list[int] = []
    for pid in processes.all_pids():
        try:
            program, where = os.readlink(f"/proc/{pid}/exe"), os.readlink(f"/proc/{pid}/cwd")
        except OSError:  # gone, or somebody else's
            continue
        if NAME in Path(program).name and where == str(folder) and not processes.ended(pid):
            found.append(pid)
    return found


def end(folder: Path, path: Path, patience: float = 10) -> bool:
    """Ask with SHUTDOWN, which writes everything down first; then by force."""
    if not (found := holders(folder)):
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(b"SHUTDOWN\r\n")
    for seconds in (patience, 10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not holders(folder):
                return True
            time.sleep(0.05)
        for pid in found:
            processes.signal_to(pid, signal.SIGKILL)
    raise EmbeddedError(f"Valkey (pid {found[0]}) does not stop")
