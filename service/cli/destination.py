"""The folder that an export goes to: checked before any work, replaced in one step."""

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import typer

from service.errors import UnsupportedFile
from service.export import manifest

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def check(out: Path) -> Path:
    """The folder's real path. BadParameter where writing there would touch what is not ours.

    Ours is a missing or empty folder, and an earlier export with nothing else in it.
    """
    out = out.expanduser().resolve()
    if not out.exists():
        return out
    if not out.is_dir():
        raise typer.BadParameter(f"{out} is a file", param_hint="--out")
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not found:
        return out
    try:
        described = manifest.load(out)
    except UnsupportedFile:
        detail = f"{out} holds files and no prefsift export: nothing in it is touched"
        raise typer.BadParameter(detail, param_hint="--out") from None
    foreign = sorted(found - {*described["files"], manifest.NAME})
    if foreign:
        detail = f"{out} holds {foreign[0]}, which prefsift did not write: nothing is touched"
        raise typer.BadParameter(detail, param_hint="--out")
    return out


@contextmanager
def staged(out: Path) -> Generator[Path]:
    """A fresh folder beside `out`; it takes the place of `out` when the block ends well."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        detail = f"can't write beside {out}: {error.strerror}"
        raise typer.BadParameter(detail, param_hint="--out") from error
    try:
        yield fresh
        fresh.chmod(0o777 & ~umask())
        put_in_place(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # by now the earlier export, if there was one


def put_in_place(fresh: Path, out: Path) -> None:
    """rename(2) replaces a missing or empty folder; a full one is exchanged."""
    check(out)  # the work took a while: is it still ours?
    try:
        fresh.rename(out)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        exchange(fresh, out)


def exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step, so that neither name is ever missing.

    Where the file system can't, one name is missing for a moment.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(one), os.fsencode(other)
    if renameat2 and renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0:
        return
    aside = other.with_name(f"{one.name}.earlier")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
