"""Large files, dry runs and imports with the installed command, on a running stack."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.e2e.installed import Home
from tests.service.intake.hub_server import hub
from tests.service.intake.uploading import trl

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A stack whose operator has a hub of their own, and small parts."""
    home = Home(tmp_path_factory.mktemp("home"))
    with hub({"train.jsonl": trl(7), "run.py": b"raise SystemExit"}) as own:
        kept = {"HF_ENDPOINT": own.url, "PREFSIFT_RESUMABLE_BYTES": "1000"}
        before = {name: os.environ.get(name) for name in kept}
        os.environ.update(kept)
        try:
            done = home.prefsift("up", "--port", "0")
            assert done.code == 0, done.err
            yield home
        finally:
            home.prefsift("down", "--purge", "--yes")
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def test_a_dry_run_shows_a_file_and_stores_nothing(stack: Home, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "2 + 2?", "chosen": "4", "rejected": "5"}\n7\n')
    words = ["upload", path, "--dataset", "dry", "--dry-run", "--map", "prompt=question"]
    said = stack.prefsift(*words).out
    assert "mine.jsonl: layout trl_preference" in said
    assert "question  prompt" in said
    assert "line 2" in said
    (found,) = orjson.loads(stack.prefsift(*words, "--json").out)
    assert (found["accepted"], found["rejected"]) == (1, 1)
    assert orjson.loads(stack.prefsift("jobs", "--json").out) == []
    assert "dry" not in stack.prefsift("datasets").out
    (upload,) = orjson.loads(stack.prefsift(*words[:4], *words[5:], "--json").out)
    assert (upload["accepted"], upload["mapping"]) == (1, {"prompt": "question"})


def test_a_large_file_goes_on_where_it_was_killed(stack: Home, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    path.write_bytes(trl(400, "{i}" + 150_000 * "x"))
    first = stack.start("upload", path, "--dataset", "large")
    until = time.monotonic() + 60
    parts = stack.path / "files" / "incoming"
    while not (parts.exists() and any(parts.iterdir())) and time.monotonic() < until:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    (upload,) = orjson.loads(stack.prefsift("upload", path, "--dataset", "large", "--json").out)
    assert (upload["size"], upload["pairs"]) == (path.stat().st_size, 400)
    assert not any(parts.iterdir())


def test_an_import_fetches_data_only(stack: Home) -> None:
    done = stack.prefsift("import", "org/pairs", "--dataset", "hub", "--split", "train", "--json")
    (upload,) = orjson.loads(done.out)
    assert (upload["filename"], upload["pairs"]) == ("train.jsonl", 7)
    refused = stack.prefsift("import", "http://127.0.0.1:1/x", "--dataset", "hub")
    assert refused.code == 2
    assert "not a public address" in refused.err
