"""PREFSIFT_HOME, and the folder for a server's data where the home itself does not serve."""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SOCKET_LIMIT = 107  # bytes of a Unix socket's path, less its name below
SOCKET_NAME = "/.s.PGSQL.5432.lock"
ACCOUNTS = ("postgres", "nobody")


class EmbeddedError(Exception):
    """The embedded stack can't do what was asked; the message says what to change."""


def open_home(home: Path) -> Path:
    """The home's real path; made with mode 0700 if it is missing."""
    home = home.expanduser()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        detail = error.strerror or str(error)
        raise EmbeddedError(f"can't write to {home} ({detail}): set PREFSIFT_HOME") from error
    return home.resolve()


def account() -> pwd.struct_passwd | None:
    """Who the servers run as: somebody without rights where we are root, else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(f"root needs one of the users {', '.join(ACCOUNTS)} to run PostgreSQL as")


def switch(who: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments of subprocess that run a command as this user."""
    if who is None:
        return {}
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def reachable(path: Path, who: pwd.struct_passwd | None) -> bool:
    """Whether this user can enter the folder: asked of the system, by going there as them."""
    check = ["/bin/sh", "-c", 'cd "$1" && [ -r . ]', "sh", str(path)]
    found = subprocess.run(
        check, cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        **switch(who),
    )  # fmt: skip
    return found.returncode == 0


def server_folder(home: Path, who: pwd.struct_passwd | None) -> Path:
    """Where the server's data and socket lie: in the home, or in the fall-back folder.

    The fall-back serves a home that the server's user can't enter, or whose path is too long for
    a socket. It is named by the home's real path, belongs to that user alone, and is recorded.
    """
    inside = home / "postgres"
    if (recorded := recorded_fallback(home)) is not None:
        return owned(recorded, who)
    fits = len(os.fsencode(inside)) + len(SOCKET_NAME) <= SOCKET_LIMIT
    if fits and reachable(home, who):
        return owned(inside, who)
    if inside.exists() and (inside / "data").exists():
        raise EmbeddedError(f"the server's user can no longer enter {home}, where its data lie")
    folder = fallback(home)
    made = owned(folder, who)
    (home / "fallback").write_text(f"{folder}\n")
    return made


def fallback(home: Path) -> Path:
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    parent = Path("/var/tmp")  # survives a reboot, unlike /tmp
    if not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    return parent / f"prefsift-{name}"


def recorded_fallback(home: Path) -> Path | None:
    """The fall-back folder that this home uses, if it does and it is this home's."""
    try:
        recorded = Path((home / "fallback").read_text().strip())
    except FileNotFoundError:
        return None
    return recorded if recorded == fallback(home) else None  # a copied home does not share it


def owned(folder: Path, who: pwd.struct_passwd | None) -> Path:
    """The folder, mode 0700 and the server user's own; refused where it is somebody else's."""
    uid = os.geteuid() if who is None else who.pw_uid
    try:
        folder.mkdir(mode=0o700)
        if who is not None:
            os.chown(folder, who.pw_uid, who.pw_gid)
    except FileExistsError:
        found = folder.lstat()
        if found.st_uid != uid or found.st_mode & 0o077 or folder.is_symlink():
            raise EmbeddedError(f"{folder} belongs to somebody else or is open to others") from None
    except OSError as error:
        raise EmbeddedError(f"can't make {folder}: {error.strerror}") from error
    return folder


def purge(home: Path) -> None:
    """Remove the home and its fall-back folder, and nothing else."""
    if (recorded := recorded_fallback(home)) is not None and recorded.exists():
        shutil.rmtree(recorded)
    shutil.rmtree(home)


@contextmanager
def locked(home: Path, name: str) -> Generator[None]:
    """Hold a file lock of the home: two starts at once go one after the other."""
    with (home / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
