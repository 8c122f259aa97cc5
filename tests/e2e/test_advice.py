"""Advice on a stored dataset, by the installed command and its workers."""

from pathlib import Path

import pytest

from tests.chaos.stack import lines
from tests.e2e.installed import Home

pytestmark = pytest.mark.e2e


def test_a_stored_dataset_gets_advice_and_files_are_told_from_names(
    stack: Home, tmp_path: Path
) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(lines(110))
    stack.prefsift("upload", file, "--dataset", "advised")
    short = ["--recipe", "k_center", "--recipe", "curry", "--splits", "5", "--minutes", "5"]
    found = stack.prefsift("advise", "advised", *short, "--json").json
    assert [(row["name"], row["splits"]) for row in found["recipes"]] == [("k_center", 5)]
    assert [(each["name"], each["code"]) for each in found["left_out"]] == [("curry", "pairs")]
    assert (found["pairs"], found["measured_on"], found["ended"]) == (110, 110, False)
    assert found["used"] < found["seconds"] == 300
    told = stack.prefsift("advise", "advised", *short).out
    assert "not compared: curry" in told
    assert stack.prefsift("advise", tmp_path / "none.jsonl").code == 2
    missing = stack.prefsift("advise", "nobody")
    assert (missing.code, "nobody" in missing.err) == (2, True)
