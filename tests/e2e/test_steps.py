"""The steps of the main job as single commands, and the quickstart script, on a running stack."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.e2e.installed import EXAMPLES, Home

pytestmark = pytest.mark.e2e


def test_upload_select_evaluate_export_one_by_one(stack: Home, few: Path, tmp_path: Path) -> None:
    uploads = orjson.loads(stack.prefsift("upload", few, "--dataset", "steps", "--json").out)
    assert [(each["rows_in"], each["state"]) for each in uploads] == [(40, "ingested")]
    again = orjson.loads(stack.prefsift("upload", few, "--dataset", "steps", "--json").out)
    assert again == uploads
    wanted = ("select", "steps", "--recipe", "random", "--budget", "25")
    subset = stack.prefsift(*wanted, "--json").json
    assert (subset["state"], subset["size"]) == ("ready", 25)
    told = stack.prefsift(*wanted, "--tag", "told").out
    assert told.startswith(f"25 of {subset['pool']} pairs kept by random (budget 25, seed 0)\n")
    assert "\nnext: prefsift evaluate " in told
    judged = stack.prefsift("evaluate", subset["id"], "--json").json
    assert judged["better_than_random"] is None
    out = tmp_path / "out"
    export = stack.prefsift("export", subset["id"], "--out", out, "--json").json
    assert export["rows"] == 25
    assert stack.prefsift("verify", out).code == 0
    again = stack.prefsift("export", subset["id"], "--out", out).out
    assert again.startswith(f"25 rows written to {out}\n")
    every = orjson.loads(stack.prefsift("jobs", "--json").out)
    jobs = [job for job in every if job["dataset_id"] == uploads[0]["dataset_id"]]
    assert {job["kind"] for job in jobs} == {"ingest", "select", "evaluate", "export"}
    assert {job["state"] for job in jobs} == {"succeeded"}


def test_the_quickstart_script_does_the_same_over_rest(
    stack: Home, few: Path, tmp_path: Path
) -> None:
    environment = stack.environment | {
        "PREFSIFT_URL": (stack.path / "api.url").read_text().strip(),
        "PREFSIFT_API_KEY": (stack.path / "api.key").read_text().strip(),
    }
    done = subprocess.run(
        [sys.executable, EXAMPLES.with_name("quickstart.py"), few], env=environment, cwd=tmp_path,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("succeeded") == 4
    assert (tmp_path / "export.tar").stat().st_size > 10_000


def test_a_source_leaves_for_a_while_and_for_good(stack: Home, few: Path) -> None:
    [upload] = orjson.loads(stack.prefsift("upload", few, "--dataset", "leaving", "--json").out)
    assert stack.prefsift("withdraw", upload["id"], "--json").json["upload"]["state"] == "withdrawn"
    assert stack.prefsift("restore", upload["id"], "--json").json["pairs"] == upload["pairs"]
    wanted = ["erase", "leaving", "--upload", upload["id"], "--json"]
    assert stack.prefsift(*wanted, "--dry-run").json["state"] == "dry_run"
    erased = stack.prefsift(*wanted, "--yes").json["erased"]
    assert (erased["pairs"], erased["records"]) == (upload["pairs"], upload["accepted"])


def test_pairs_are_filtered_and_ordered(stack: Home, few: Path) -> None:
    stack.prefsift("upload", few, "--dataset", "asked")
    asked = ["query", "asked", "--where", "chosen.length > rejected.length"]
    longer = orjson.loads(stack.prefsift(*asked, "--orderby", "chosen.length DESC", "--json").out)
    lengths = [len(pair["chosen"]["text"]) for pair in longer]
    assert lengths == sorted(lengths, reverse=True)
    assert all(len(pair["rejected"]["text"]) < len(pair["chosen"]["text"]) for pair in longer)
    assert (
        stack.prefsift(*asked, "--explain", "--json").json["where"]
        == "chosen.length > rejected.length"
    )
    wrong = stack.prefsift("query", "asked", "--where", "votes = 'x'")
    assert wrong.code == 2
    assert "compares" in wrong.err
