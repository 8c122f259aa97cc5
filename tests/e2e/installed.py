"""The installed `prefsift` in a home of its own, as a user runs it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import orjson

COMMAND = Path(sys.executable).with_name("prefsift")
EXAMPLES = Path(__file__).parents[2] / "examples" / "pairs.jsonl"
OWN = ("DATABASE_URL", "CELERY_BROKER_URL", "PREFSIFT_URL", "PREFSIFT_API_KEY", "PREFSIFT_PORT")


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Stdout, which is one JSON value."""
        assert self.code == 0, self.err
        return orjson.loads(self.out)


class Home(NamedTuple):
    """A PREFSIFT_HOME; nothing of the session's own database is visible in it."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in OWN}
        return kept | {"PREFSIFT_HOME": str(self.path), "PREFSIFT_REAP_SECONDS": "1"}

    def prefsift(self, *words: str | Path, **settings: str) -> Done:
        done = subprocess.run(
            [COMMAND, *words], env=self.environment | settings, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """As from a terminal: Ctrl-C is heard, also where the tests themselves run unattended."""
        return subprocess.Popen(
            [COMMAND, *words], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
