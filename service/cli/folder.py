"""The folder that an export is unpacked to: checked first, replaced atomically."""

import ctypes
import os
import shutil
from pathlib import Path

from service.errors import UnsupportedFile
from service.export import manifest

RENAME_EXCHANGE = 2
AT_FDCWD = -100


class FolderTaken(Exception):
    """The folder holds something that is not ours to replace."""


def check(out: Path) -> None:
    """Raise FolderTaken unless `out` is missing, empty, or an earlier export."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise FolderTaken(f"{out} is not a folder")
    if not out.exists() or not any(out.iterdir()):
        return
    try:
        found = manifest.load(out)
    except UnsupportedFile as error:
        raise FolderTaken(f"{out} holds other files: name a new folder") from error
    allowed = {*found["files"], manifest.NAME}
    foreign = [
        str(path.relative_to(out))
        for path in out.rglob("*")
        if not path.is_dir() and str(path.relative_to(out)) not in allowed
    ]
    if foreign:
        raise FolderTaken(f"{out} also holds {foreign[0]}, which is not of the export")


def staging(out: Path) -> Path:
    """A new folder beside `out`, on the same file system."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def replace(out: Path, fresh: Path) -> None:
    """Put `fresh` at `out` in one step; what was there is deleted afterwards."""
    check(out)
    if not out.exists() or not any(out.iterdir()):
        fresh.rename(out)
        return
    exchange(out, fresh)
    shutil.rmtree(fresh)


def exchange(a: Path, b: Path) -> None:
    """Swap two folders: at no moment is one of the names missing."""
    libc = ctypes.CDLL(None, use_errno=True)
    swapped = libc.renameat2(
        AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), ctypes.c_uint(RENAME_EXCHANGE)
    )
    if swapped == 0:
        return
    aside = b.with_name(f"{b.name}.old")  # a file system without the exchange: two steps
    a.rename(aside)
    b.rename(a)
    aside.rename(b)
