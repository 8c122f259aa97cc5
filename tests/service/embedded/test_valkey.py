"""The embedded Valkey: attached to, stopped, killed, hung, and still what it held."""

import os
import signal
import socket
from pathlib import Path

import pytest
from redis import Redis

from service.embedded import folders, processes, valkey
from service.embedded.home import EmbeddedError, open_home


def client(home: Path) -> Redis:
    return Redis(unix_socket_path=str(valkey.socket_path(open_home(home))), decode_responses=True)


def server(home: Path) -> int:
    (pid,) = valkey.holders(open_home(home) / "valkey")
    return pid


def test_what_it_holds_survives_stop_and_kill(home: Path) -> None:
    url = valkey.start(home)
    client(home).set("bell", "rung")
    pid = server(home)
    assert valkey.start(home) == url
    assert server(home) == pid
    assert valkey.stop(home)
    assert processes.ended(pid)
    assert not valkey.stop(home)
    assert valkey.start(home) == url
    assert client(home).get("bell") == "rung"
    os.kill(server(home), signal.SIGKILL)
    assert valkey.start(home) == url
    assert client(home).get("bell") == "rung"


def test_one_that_hangs_is_replaced(home: Path) -> None:
    valkey.start(home)
    hung = server(home)
    os.kill(hung, signal.SIGSTOP)
    valkey.start(home)
    assert processes.ended(hung)
    assert client(home).ping()


def test_the_socket_is_for_its_user_and_nothing_listens_on_tcp(home: Path) -> None:
    valkey.start(home)
    path = valkey.socket_path(open_home(home))
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert client(home).config_get("port") == {"port": "0"}
    assert client(home).config_get("appendonly") == {"appendonly": "yes"}


def test_a_dead_socket_in_its_place_is_replaced(home: Path) -> None:
    folder = open_home(home) / "valkey"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "valkey.sock"))
    valkey.start(home)
    assert client(home).ping()


def test_a_long_home_has_its_socket_in_the_fall_back(home: Path) -> None:
    long = home / ("x" * 120)
    url = valkey.start(long)
    path = valkey.socket_path(long.resolve())
    assert path.parent == folders.recorded_fallback(long.resolve())
    assert str(path) in url
    assert client(long).ping()
    valkey.stop(long)
    folders.purge(long.resolve())


def test_a_broken_file_is_a_clear_error(home: Path) -> None:
    valkey.start(home)
    client(home).set("bell", "rung")
    valkey.stop(home)
    manifest = open_home(home) / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    with pytest.raises(EmbeddedError, match=r"(?s)did not start: .*manifest file.*valkey\.log"):
        valkey.start(home)
