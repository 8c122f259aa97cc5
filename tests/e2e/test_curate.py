"""`prefsift curate` as installed: files in, a folder with its proof out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from service.embedded import processes
from tests.e2e.installed import Done, Home

pytestmark = pytest.mark.e2e

KEYS = {"rows_in", "rejected", "pairs", "kept", "seconds", "evaluation", "out"}
PARTS = ("api", "worker", "valkey", "postgres")


class Curated:
    def __init__(self, done: Done, out: Path) -> None:
        self.found, self.done, self.out = done.json, done, out


@pytest.fixture(scope="module")
def curated(stack: Home, few: Path, tmp_path_factory: pytest.TempPathFactory) -> Curated:
    out = tmp_path_factory.mktemp("curated") / "out"
    words = ["curate", few, "--recipe", "fifa", "--budget", "60%", "--out", out, "--json"]
    return Curated(stack.prefsift(*words), out)


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_json_has_the_promised_keys_and_counts_that_add_up(curated: Curated) -> None:
    found = curated.found
    assert found.keys() == KEYS
    assert (found["rows_in"], found["rejected"]) == (40, 0)
    assert found["kept"] == round(0.6 * found["pairs"])
    assert found["out"] == str(curated.out)
    assert found["evaluation"]["warning"]  # under 100 pairs nothing can be said
    assert found["evaluation"]["better_than_random"] is None
    assert found["evaluation"]["heads"].keys() == {"selecting", "independent"}


def test_the_folder_loads_as_train_and_test_in_another_process(
    curated: Curated, tmp_path: Path
) -> None:
    code = (
        "import sys; from datasets import load_dataset; found = load_dataset(sys.argv[1]);"
        "print(sorted(found), sum(len(split) for split in found.values()))"
    )
    environment = {**os.environ, "HF_DATASETS_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code, curated.out]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    kept = curated.found["kept"]
    assert done.stdout.strip() == f"['test', 'train'] {kept}", done.stderr


def test_the_folder_is_what_its_manifest_says(curated: Curated, home: Home) -> None:
    assert home.prefsift("verify", curated.out).code == 0
    assert {"README.md", "manifest.json", "report.html", "rejects.jsonl"} < {
        path.name for path in curated.out.iterdir()
    }
    assert not home.path.exists()  # needs no server and starts none


def test_interrupted_and_run_again_in_another_home_it_gives_the_same_bytes(
    curated: Curated, home: Home, few: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["curate", few, "--recipe", "fifa", "--budget", "60%", "--out", out]
    first = home.start(*words)
    wait_for_job(home, "select")
    first.send_signal(signal.SIGINT)
    assert first.wait(60) == 130
    assert nothing_runs(home)
    assert not out.exists()
    done = home.prefsift(*words)
    assert done.code == 0, done.err
    assert contents(out) == contents(curated.out)
    assert "Better than random?" in done.out
    assert nothing_runs(home)


def wait_for_job(home: Home, kind: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            key = (home.path / "api.key").read_text().strip()
            url = (home.path / "api.url").read_text().strip()
            headers = {"Authorization": f"Bearer {key}"}
            jobs = httpx.get(f"{url}/api/v1/jobs", headers=headers).json()["items"]
            if any(job["kind"] == kind and job["state"] == "running" for job in jobs):
                return
        except (OSError, httpx.TransportError):
            pass  # not up yet
        time.sleep(0.1)
    raise AssertionError(f"no {kind} job ran")


def nothing_runs(home: Home) -> bool:
    real = home.path.resolve()
    return not any(processes.running(real, part) for part in PARTS)


def test_an_earlier_export_is_replaced_and_other_files_are_never_touched(
    stack: Home, curated: Curated, few: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    words = ["curate", few, "--recipe", "random", "--out", out]
    for budget in ("5", "7"):
        assert stack.prefsift(*words, "--budget", budget, "--json").json["kept"] == int(budget)
    before = contents(out)
    (out / "notes.txt").write_text("mine")
    refused = stack.prefsift(*words, "--budget", "6")
    assert refused.code == 2
    assert "notes.txt" in refused.err
    assert contents(out) == before | {"notes.txt": b"mine"}
    assert os.listdir(tmp_path) == ["out"]


def test_wrong_usage_starts_nothing(home: Home, few: Path, tmp_path: Path) -> None:
    done = home.prefsift("curate", few, "--recipe", "nope", "--out", tmp_path / "out")
    assert done.code == 2
    assert "fifa" in done.err
    assert not home.path.exists()
    assert not (tmp_path / "out").exists()
