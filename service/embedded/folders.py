"""Where a server's data and socket lie: in the home, or in a fall-back folder of its own."""

import hashlib
import os
import pwd
import re
import shutil
import tempfile
from pathlib import Path

from service.embedded import home as homes
from service.embedded.accounts import reachable
from service.embedded.home import EmbeddedError

SOCKET_LIMIT = 107  # bytes of a Unix socket's path
LONGEST_NAME = "/.s.PGSQL.5432"
PLAIN = re.compile(r"[A-Za-z0-9/._+=@-]+")  # needs no quoting: in a URL, in a list of folders
RECORD = "fallback"


def server_folder(home: Path, who: pwd.struct_passwd | None) -> Path:
    """The server's folder: its user's own, mode 0700, made if it is missing.

    The fall-back serves a home that this user can't enter, or whose path does not do for a socket.
    It is named by a hash of the home's real path and recorded in the home.
    """
    if (recorded := recorded_fallback(home)) is not None:
        return owned(recorded, who)
    inside = home / "postgres"
    if serves(inside) and reachable(home, who):
        return owned(inside, who)
    if (inside / "data").exists():
        raise EmbeddedError(f"the server's user can no longer enter {home}, where its data lie")
    made = owned(fallback(home, who), who)
    (home / RECORD).write_text(f"{made}\n")
    return made


def serves(folder: Path) -> bool:
    """Whether a socket in the folder can be bound, and named in a URL."""
    path = os.fsencode(folder) + LONGEST_NAME.encode()
    return len(path) <= SOCKET_LIMIT and PLAIN.fullmatch(str(folder)) is not None


def known_folder(home: Path) -> Path:
    """The server's folder, whether or not it is there; makes nothing."""
    return recorded_fallback(home) or home / "postgres"


def fallback(home: Path, who: pwd.struct_passwd | None) -> Path:
    """In a place that outlives a reboot: /tmp is emptied then, and /var/tmp once a month."""
    places = [*(["/var/lib"] if os.geteuid() == 0 else []), "/var/tmp", tempfile.gettempdir()]
    for place in map(Path, places):
        if os.access(place, os.W_OK) and reachable(place, who) and serves(place / name_of(home)):
            return place / name_of(home)
    raise EmbeddedError(f"no place for the server's data in {', '.join(places)}: set PREFSIFT_HOME")


def name_of(home: Path) -> str:
    return f"prefsift-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"


def recorded_fallback(home: Path) -> Path | None:
    """The fall-back folder that this home uses, if it does and it is this home's."""
    try:
        recorded = Path((home / RECORD).read_text().strip())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return recorded if recorded.name == name_of(home) else None  # a copied home does not share it


def owned(folder: Path, who: pwd.struct_passwd | None) -> Path:
    """The folder, mode 0700 and the server user's own; refused where it is somebody else's."""
    try:
        folder.mkdir(mode=0o700)
        if who is not None:
            os.chown(folder, who.pw_uid, who.pw_gid)
    except FileExistsError:
        if not is_owned(folder, who):
            raise EmbeddedError(f"{folder} belongs to somebody else or is open to others") from None
    except OSError as error:
        raise EmbeddedError(f"can't make {folder}: {error.strerror}") from error
    return folder


def is_owned(folder: Path, who: pwd.struct_passwd | None) -> bool:
    found = folder.lstat()
    uid = os.geteuid() if who is None else who.pw_uid
    return found.st_uid == uid and not found.st_mode & 0o077 and not folder.is_symlink()


def purge(home: Path) -> None:
    """Remove all that prefsift put into the home and its fall-back folder, and nothing else."""
    if (recorded := recorded_fallback(home)) is not None:
        for folder in (recorded, *recorded.parent.glob(f"{recorded.name}.orphan-*")):
            if folder.exists():
                shutil.rmtree(folder)
    homes.remove(home)
