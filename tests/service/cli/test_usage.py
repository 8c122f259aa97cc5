"""What a user can get wrong on the command line: exit code 2, and a message that helps."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.main import build


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.jsonl"], "No such file"),
        ([__file__, "--recipe", "nope"], "known: audit_only, "),
        ([__file__, "--recipe", "nope.yaml"], "no recipe file"),
        ([__file__, "--budget", "0%"], "percentage"),
        ([__file__, "--budget", "many"], "a budget is"),
        ([__file__, "--layout", "nope"], "known: "),
        ([__file__, "--map", "prompt"], "our-column=their-column"),
        ([__file__, "--seed", "-1"], "--seed"),
        ([__file__, "--nope"], "--nope"),
        ([], "files"),
    ],
)
def test_curate_says_what_is_wrong_before_it_starts(
    tmp_path: Path, words: list[str], said: str
) -> None:
    out = tmp_path / "out"
    words = ["curate", *words, "--out", str(out)]
    done = CliRunner().invoke(build("curate"), words, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert said in done.output
    assert not out.exists()


@pytest.mark.parametrize("command", ["datasets", "jobs"])
def test_a_command_for_the_running_api_says_how_to_start_it(command: str) -> None:
    done = CliRunner().invoke(build(command), [command])
    assert "prefsift up" in str(done.exception)
