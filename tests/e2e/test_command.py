"""The frame of the command line: what needs no server starts none, and loads little."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.e2e.command import Command
from tests.e2e.installed import EXAMPLES

pytestmark = pytest.mark.e2e
HEAVY = ("sqlalchemy", "httpx", "pyarrow", "numpy", "celery", "fastapi", "torch", "psycopg")
LOADED = """
import sys
from service.cli.main import main
sys.argv = ["prefsift", "{option}"]
try:
    main()
except SystemExit as end:
    assert not end.code
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path / "home", DATABASE_URL="postgresql://nowhere.invalid/none")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(option=option)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not set(HEAVY) & set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["recipes"], ["signals"], ["formats"], ["up", "--help"],
     ["curate", "--help"], ["verify", "--help"], ["convert", "--help"]],
    ids=" ".join,
)  # fmt: skip
def test_what_needs_no_server_starts_none(command: Command, arguments: list[str]) -> None:
    assert command(*arguments)
    assert not command.home.exists()


def test_the_version_is_the_packages(command: Command) -> None:
    assert command("--version") == f"prefsift {version('prefsift')}\n"


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["up", "--nonsense"], ["up", "--port", "x"], ["up", "--port", "70000"],
     ["curate"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_exit_code_2_on_stderr(command: Command, arguments: list[str]) -> None:
    assert "Error: " in command(*arguments, code=2)
    assert not command.home.exists()


def test_down_and_status_without_a_home_make_none(command: Command) -> None:
    assert "nothing to stop" in command("down")
    nothing = Command(command.home)
    assert nothing.json("status", code=1)["running"] is False
    assert not command.home.exists()


def test_an_audit_needs_no_server_and_prints_one_json_value(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    path = tmp_path / "few.jsonl"
    path.write_text("".join(EXAMPLES.read_text().splitlines(keepends=True)[:60]))
    said = command.json("audit", str(path), "--out", str(out), "--no-embed", "--anchors", "0")
    assert said["pairs"] == 93
    assert said == json.loads((out / "report.json").read_bytes())
    assert sum(said["actions"].values()) == said["pairs"]
    assert {path.name for path in out.iterdir()} == {"report.html", "report.json", "pairs.parquet"}
    assert not command.home.exists()
    assert "can't read" in command("audit", "nothing.jsonl", "--out", str(out), code=2)
