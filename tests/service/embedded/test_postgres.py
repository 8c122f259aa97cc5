"""The embedded PostgreSQL: attached to, killed, locked out, shared with nobody."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from service.embedded import folders, postgres, processes
from service.embedded.accounts import account, reachable
from service.embedded.home import open_home

START = """
import sys
from pathlib import Path
from service.embedded import postgres
print(postgres.start(Path(sys.argv[1])), flush=True)
"""


def postmaster(home: Path) -> int:
    (pid,) = postgres.postmasters(folders.known_folder(open_home(home)) / "data")
    return pid


def value(url: str, query: LiteralString) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row and row[0]


def test_a_second_start_attaches(running_home: Path) -> None:
    pid = postmaster(running_home)
    url = postgres.start(running_home)
    assert postmaster(running_home) == pid
    assert value(url, "SELECT current_database()") == "prefsift"


def test_pgvector_is_there(running_home: Path) -> None:
    url = postgres.start(running_home)
    assert value(url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == 1


def test_a_killed_server_comes_back_with_its_rows(running_home: Path) -> None:
    url = postgres.start(running_home)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    os.kill(postmaster(running_home), signal.SIGKILL)
    assert value(postgres.start(running_home), "SELECT count(*) FROM kept") == 1000


def test_a_stale_pid_file_does_not_count(running_home: Path) -> None:
    postgres.stop(running_home)
    server = postgres.find(running_home)
    lines = [str(os.getpid()), str(server.data), "1", "5432", str(server.folder), "", "1 1", ""]
    (server.data / "postmaster.pid").write_text("\n".join(lines))
    (server.folder / ".s.PGSQL.5432.lock").write_text("\n".join(lines))
    assert value(postgres.start(running_home), "SELECT 1") == 1
    assert postmaster(running_home) != os.getpid()


def test_a_server_that_is_going_down_is_waited_for(running_home: Path) -> None:
    first = postmaster(running_home)
    os.kill(first, signal.SIGTERM)
    assert value(postgres.start(running_home), "SELECT 1") == 1


def test_two_starts_at_once_make_one_server(running_home: Path) -> None:
    postgres.stop(running_home)
    command = [sys.executable, "-c", START, str(running_home)]
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    urls = {start.communicate()[0] for start in starts}
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert len(urls) == 1
    assert postmaster(running_home)


def test_a_killed_parent_leaves_a_server_to_attach_to(running_home: Path) -> None:
    script = f"{START}import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    postgres.stop(running_home)
    parent = subprocess.run(
        [sys.executable, "-c", script, str(running_home)], capture_output=True, text=True
    )
    assert parent.returncode == -signal.SIGKILL
    pid = postmaster(running_home)
    assert postgres.start(running_home) == parent.stdout.strip()
    assert postmaster(running_home) == pid
    assert postgres.stop(running_home)
    assert not Path(f"/proc/{pid}").exists() or processes.ended(pid)
    postgres.start(running_home)


def test_a_start_killed_in_the_middle_of_initdb_is_done_again(home: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if home.is_dir() and list(folders.known_folder(home.resolve()).glob("data.*/base")):
            break
        time.sleep(0.005)
    parent.kill()
    parent.wait()
    assert not (folders.known_folder(home.resolve()) / "data").exists()
    assert value(postgres.start(home), "SELECT 1") == 1
    assert [path.name for path in folders.known_folder(home).glob("data*")] == ["data"]


def test_two_homes_share_nothing(running_home: Path, home: Path) -> None:
    shutil.copytree(
        open_home(running_home), home, ignore=shutil.ignore_patterns("postgres", "*.sock")
    )
    ours, theirs = postgres.start(running_home), postgres.start(home)
    assert folders.known_folder(home) != folders.known_folder(running_home)
    assert postmaster(home) != postmaster(running_home)
    postgres.stop(home)
    assert ours != theirs
    assert value(ours, "SELECT 1") == 1


def test_only_who_has_the_password_gets_in(running_home: Path) -> None:
    url = postgres.start(running_home)
    secret = open_home(running_home) / "postgres.password"
    assert secret.stat().st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(secret.read_text(), "guess"))
    folder = folders.known_folder(running_home)
    assert folder.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        others = (pwd.getpwnam(name) for name in ("daemon", "nobody"))
        who = account(running_home)
        assert who is not None
        assert not any(reachable(folder, other) for other in others if other != who)
        assert Path(f"/proc/{postmaster(running_home)}").stat().st_uid == who.pw_uid
