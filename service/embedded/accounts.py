"""Who the servers run as, and what that user can reach."""

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from service.embedded.home import EmbeddedError

ACCOUNTS = ("postgres", "nobody")
RECORD = "server.user"


def account(home: Path) -> pwd.struct_passwd | None:
    """Who the servers of this home run as: somebody without rights where we are root, else us.

    None means us. The choice is recorded: an account that appears later must not change it.
    """
    if os.geteuid() != 0:
        return None
    record = home / RECORD
    recorded = record.read_text().split() if record.exists() else []
    for name in (*recorded, *ACCOUNTS):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if not recorded:
            record.write_text(f"{name}\n")
        return found
    raise EmbeddedError(f"root needs one of the users {', '.join(ACCOUNTS)} to run PostgreSQL as")


def switch(who: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments of subprocess that run a command as this user."""
    if who is None:
        return {}
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def runs(command: list[str], who: pwd.struct_passwd | None) -> bool:
    """Whether the command succeeds as this user; what it prints is dropped."""
    try:
        found = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False, **switch(who),
        )  # fmt: skip
    except OSError:
        return False
    return found.returncode == 0


def reachable(path: Path, who: pwd.struct_passwd | None) -> bool:
    """Whether this user can enter the folder: asked of the system, by going there as them."""
    return runs(["/bin/sh", "-c", 'cd "$1"', "sh", str(path)], who)
