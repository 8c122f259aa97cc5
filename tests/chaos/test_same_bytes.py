"""The same inputs and seed give the same bytes: in another home, and through a killed worker."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import folders, processes

EXAMPLES = Path(__file__).parents[2] / "examples" / "pairs.jsonl"
PATIENCE = 240  # seconds for one step on a busy machine

pytestmark = pytest.mark.chaos


@pytest.fixture
def homes() -> Iterator[tuple[Path, Path]]:
    found = Path(tempfile.mkdtemp(prefix="pfs-a-")), Path(tempfile.mkdtemp(prefix="pfs-b-"))
    yield found
    for home in found:
        prefsift(home, "down").wait(60)
        folders.purge(home)
        shutil.rmtree(home, ignore_errors=True)


def prefsift(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    short = {"PREFSIFT_LEASE_SECONDS": "2", "PREFSIFT_REAP_SECONDS": "1", "OMP_NUM_THREADS": "1"}
    ours = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "CELERY_BROKER_URL")}
    return subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", *arguments],
        env={**ours, **short, "PREFSIFT_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def curate(home: Path, rows: Path, out: Path) -> subprocess.Popen[bytes]:
    return prefsift(
        home, "curate", str(rows), "--recipe", "top_margin", "--budget", "30%", "--out", str(out)
    )


def kill_worker_while_it_scores(home: Path) -> None:
    """SIGKILL the worker and its children once it has claimed a shard of the select job."""
    log = home / "logs" / "worker.log"
    until = time.monotonic() + PATIENCE
    while not (log.exists() and '"kind": "select"' in log.read_text()):
        assert time.monotonic() < until, "the select job never started"
        time.sleep(0.02)
    victims = processes.running(home, "worker")
    assert victims
    for pid in victims:
        processes.signal_to(pid, processes.signal.SIGKILL)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_killed_worker_and_another_home_change_no_byte(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    calm, disturbed = homes
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"".join(EXAMPLES.read_bytes().splitlines(keepends=True)[:50]))
    assert curate(calm, rows, tmp_path / "calm").wait(PATIENCE) == 0

    running = curate(disturbed, rows, tmp_path / "disturbed")
    kill_worker_while_it_scores(disturbed)
    assert prefsift(disturbed, "up", "--port", "0").wait(PATIENCE) == 0
    assert running.wait(PATIENCE) == 0

    found = contents(tmp_path / "calm")
    assert {"README.md", "manifest.json", "report.html"} <= found.keys()
    assert found == contents(tmp_path / "disturbed")
