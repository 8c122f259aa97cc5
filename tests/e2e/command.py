"""The installed `prefsift` command in a home of its own, and what it leaves behind."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.embedded import folders, processes

PREFSIFT = Path(sys.executable).with_name("prefsift")
OWN = ("DATABASE_URL", "CELERY_BROKER_URL")


class Command:
    """Runs `prefsift` as a stranger would: no setting of the tests' own reaches it."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        given = {
            name: value for name, value in os.environ.items()
            if name not in OWN and not name.startswith("PREFSIFT_")
        }  # fmt: skip
        self.environment = {**given, "PREFSIFT_HOME": str(home), **settings}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PREFSIFT, *arguments], cwd="/", env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it prints; on stderr, where it fails as expected."""
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"{arguments}: {process.returncode} {out} {err}"
        return err if code else out

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The one JSON value that it prints."""
        process = self.begin(*arguments, "--json")
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"{arguments}: {process.returncode} {out} {err}"
        return json.loads(out)


def left_running(home: Path) -> list[str]:
    """Command lines of the processes that have to do with the home, found in /proc by any sign."""
    home = home.resolve()
    signs = [os.fsencode(home), os.fsencode(folders.known_folder(home))]
    found: list[str] = []
    for pid in processes.all_pids():
        if pid == os.getpid() or processes.ended(pid):
            continue
        seen = [*processes.arguments_of(pid), *processes.environment_of(pid)]
        with suppress(OSError):  # gone, or somebody else's
            seen.append(os.fsencode(os.readlink(f"/proc/{pid}/cwd")))
        if any(sign in text for sign in signs for text in seen):
            found.append(b" ".join(processes.arguments_of(pid)).decode())
    return found
