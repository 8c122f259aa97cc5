"""`prefsift audit` on the command line: what it says, and columns of other names."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from service.cli.main import build

ROWS = [{"asked": f"Question {i}?", "good": f"Yes, {i}.", "bad": "No."} for i in range(12)]
OURS = ["--map", "prompt=asked", "--map", "chosen=good", "--map", "rejected=bad"]


def said_of(rows: list[dict[str, Any]], tmp_path: Path, *words: str) -> tuple[str, dict[str, Any]]:
    path, out = tmp_path / "in.jsonl", tmp_path / "out"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["audit", str(path), "--out", str(out), "--no-embed", *words]
    done = CliRunner().invoke(build("audit"), asked, env={"COLUMNS": "400"})
    assert done.exit_code == 0, done.output
    return done.output, json.loads((out / "report.json").read_bytes())


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    said, report = said_of(ROWS, tmp_path, *OURS)
    assert (report["pairs"], report["rejected"]) == (12, [])
    assert "12 pairs" in said


def test_a_file_of_no_known_layout_is_told_the_options_that_read_it(tmp_path: Path) -> None:
    rows = [{"query": r["asked"], "best_answer": r["good"], "worst_answer": r["bad"]} for r in ROWS]
    said, report = said_of(rows, tmp_path)
    assert report["pairs"] == 0
    assert "line 1: no known layout" in said
    assert "try: --map prompt=query" in said


def test_anchors_that_the_file_does_not_have_are_asked_for_in_vain(tmp_path: Path) -> None:
    said, report = said_of(ROWS, tmp_path, *OURS, "--anchors", "10")
    warning = "anchors: 10 verified answers were asked for, the input has none"
    assert warning in said
    assert warning in report["warnings"][0]


def test_fewer_verified_answers_than_asked_for_are_all_used(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "messages": [{"role": "user", "content": row["asked"]}],
            "responses": [{"id": "x", "text": row["good"]}, {"id": "y", "text": row["bad"]}],
            "comparisons": [{"a": "x", "b": "y", "outcome": "a"}],
        }
        for row in ROWS
    ]
    rows[3]["gold"] = {"better": ["x"], "worse": ["y"]}
    said, report = said_of(rows, tmp_path, "--anchors", "2")
    assert "the input has 1 of them, and all are used" in said
    assert (report["anchors"], report["verified"]) == (1, 1)
    assert not any("asked for" in each for each in said_of(rows, tmp_path)[1]["warnings"])
