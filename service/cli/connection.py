"""Which API a command speaks to: PREFSIFT_URL's, the home's, or one started for the command."""

import fcntl
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.cli.client import Api, ApiError
from service.cli.launcher import TEMPORARY, ensure_up, running_url, stop_all
from service.config import settings
from service.embedded.home import open_home


def connect() -> Api:
    """The API that runs already. Raises ApiError where none does."""
    if settings.url:
        return Api(settings.url, settings.api_key)
    home = settings.home.expanduser().resolve()
    url = running_url(home)
    if url is None:
        raise ApiError("nothing runs here: `prefsift up` starts it, or set PREFSIFT_URL")
    return Api(url, (home / "api.key").read_text().strip())


@contextmanager
def connected(keep_up: bool) -> Generator[Api]:
    """The API that runs already, or a stack that is started now and stopped by its last user.

    Each user holds a shared lock on the home; who can have it alone is the last.
    """
    if settings.url:
        yield Api(settings.url, settings.api_key)
        return
    home = open_home(settings.home)
    with (home / "users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if running_url(home) is None:
            (home / TEMPORARY).touch()
        if keep_up:
            (home / TEMPORARY).unlink(missing_ok=True)
        try:
            stack = ensure_up(home, settings.host, 0)
            yield Api(stack.url, stack.key)
        finally:
            stop_if_last(home, lock)


def stop_if_last(home: Path, lock: IO[str]) -> None:
    """Stop a stack that no `prefsift up` asked for and nobody uses any more."""
    if not (home / TEMPORARY).exists():
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    with uninterrupted():
        stop_all(home)
        (home / TEMPORARY).unlink(missing_ok=True)


@contextmanager
def uninterrupted() -> Generator[None]:
    """A second Ctrl-C must not leave half a stack behind."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
