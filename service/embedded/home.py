"""PREFSIFT_HOME: made, locked, and removed again."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

# What prefsift puts into a home. Nothing else is ever removed from it: it may be a folder of yours.
FOLDERS = ("postgres", "valkey", "files", "logs", "models")
FILES = (
    "api.key", "api.url", "fallback", "postgres.password", "postgres.lock", "server.user",
    "stack.lock", "temporary", "users.lock", "valkey.lock",
)  # fmt: skip


class EmbeddedError(Exception):
    """The embedded stack can't do what was asked; the message says what to change."""


def open_home(home: Path) -> Path:
    """The home's real path; made with mode 0700 if it is missing."""
    home = home.expanduser()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=home).close()
    except OSError as error:
        detail = error.strerror or str(error)
        raise EmbeddedError(f"can't write to {home} ({detail}): set PREFSIFT_HOME") from error
    return home.resolve()


def remove(home: Path) -> None:
    """Remove what prefsift put into the home, and the home itself if nothing else is in it."""
    for name in FOLDERS:
        with suppress(FileNotFoundError):
            shutil.rmtree(home / name)
    for name in FILES:
        (home / name).unlink(missing_ok=True)
    with suppress(OSError):  # not empty
        home.rmdir()


@contextmanager
def locked(home: Path, name: str) -> Generator[None]:
    """Hold a file lock of the home: two starts at once go one after the other."""
    path = home / f"{name}.lock"
    while True:
        home.mkdir(mode=0o700, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not is_at(file, path):
                continue  # whoever had the lock removed the file: a lock on it keeps nobody out
            yield
            return


def is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
