import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from service.cli.main import build
from service.formats import FORMATS


def prefsift(name: str, *arguments: object) -> Result:
    return CliRunner().invoke(build(name), [name, *map(str, arguments)])


def rows(path: Path) -> list[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        return [json.loads(line) for line in file]


def test_formats_lists_every_layout_without_a_server() -> None:
    known = ("DATABASE_URL", "CELERY_BROKER_URL")
    environment = {name: value for name, value in os.environ.items() if name not in known}
    command = [sys.executable, "-m", "service.cli.main", "formats", "--json"]
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert [layout["name"] for layout in json.loads(listed.stdout)] == list(FORMATS)
    assert all(name in prefsift("formats").stdout for name in FORMATS)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "layouts"),
    [
        ("hh_harmless/test.jsonl.gz", ["native", "hh"]),
        ("hh_harmless/test.jsonl.gz", ["trl_preference", "hh"]),
        ("llmbar/natural_neighbor.jsonl.gz", ["native"]),
    ],
)
def test_converting_there_and_back_changes_nothing(
    data: Path, tmp_path: Path, file: str, layouts: list[str]
) -> None:
    source = data / file
    for layout in layouts:
        target = tmp_path / f"{layout}.jsonl"
        assert prefsift("convert", source, "--to", layout, "--out", target).exit_code == 0
        source = target
    assert rows(source) == rows(data / file)


def test_lines_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = '{"prompt": "p", "chosen": "a", "rejected": "b", "n": 1}\n'
    source.write_text(good + "nonsense\n" + good)
    done = prefsift("convert", source, "--to", "native", "--out", out)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "line 2:" in done.stderr
    assert [row["n"] for row in rows(out)] == [1, 1]


def test_what_the_other_layout_cannot_say_is_no_success(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    record: dict[str, Any] = {
        "messages": [{"role": "user", "content": "p"}],
        "responses": [{"id": "r0", "text": "a"}, {"id": "r1", "text": "b"}],
        "comparisons": [{"a": "r0", "b": "r1", "outcome": "b"}],
    }
    tie = record | {"comparisons": [{"a": "r0", "b": "r1", "outcome": "tie"}]}
    source.write_text(f"{json.dumps(tie)}\n{json.dumps(record)}\n")
    done = prefsift("convert", source, "--to", "trl_preference", "--out", out)
    assert done.exit_code == 4
    assert "line 1:" in done.stderr
    assert [row["chosen"][0]["content"] for row in rows(out)] == ["b"]


def test_a_file_of_no_known_layout_leaves_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"what": 1}\n')
    done = prefsift("convert", source, "--to", "native", "--out", out)
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == [source]
    assert prefsift("convert", source, "--to", "nope", "--out", out).exit_code == 2
