"""The embedded servers as a script: run by other users and interpreters than the tests' own.

Arguments: the home. Prints one line a promise kept; the standard library and psycopg only.
"""

import os
import signal
import sys
from pathlib import Path

import psycopg

from service.embedded import folders, postgres, processes, valkey
from service.embedded.home import EmbeddedError


def main(home: Path) -> None:
    url = postgres.start(home)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    data = folders.known_folder(home) / "data"
    (first,) = postgres.postmasters(data)
    assert os.stat(f"/proc/{first}").st_uid == data.stat().st_uid != 0
    place = "copied" if b"/programs-" in processes.arguments_of(first)[0] else "in place"
    say(f"started by {os.geteuid()}, programs {place}")
    assert postgres.start(home) == url
    assert postgres.postmasters(data) == [first]
    say("attached")
    os.kill(first, signal.SIGKILL)
    processes.gone([first], 10)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n5432\n\n\n1 1\n")
    with psycopg.connect(postgres.start(home)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    say("recovered")
    broker = valkey.start(home)
    assert valkey.start(home) == broker
    say("broker")
    family = [*postgres.postmasters(data), *valkey.holders(home / "valkey")]
    assert postgres.stop(home)
    assert valkey.stop(home)
    assert all(processes.ended(pid) for pid in family)
    say("stopped")
    said = ""
    try:
        postgres.start(Path("/proc/nowhere"))
    except EmbeddedError as error:
        said = str(error)
    assert said.startswith("can't write to /proc/nowhere")
    say("refused")
    folders.purge(home)
    assert not home.exists()
    say("purged")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
