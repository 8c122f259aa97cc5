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


def test_rejects_go_to_a_file_and_the_counts_to_json(tmp_path: Path) -> None:
    source, out, why = tmp_path / "in.jsonl", tmp_path / "out.jsonl.gz", tmp_path / "why.jsonl"
    source.write_text('{"prompt": "p", "chosen": "a", "rejected": "b"}\nnonsense\n')
    done = prefsift(
        "convert", source, "--to", "hh", "--out", out, "--rejects", why, "--json",
    )  # fmt: skip
    assert json.loads(done.stdout) == {
        "out": str(out), "from": "trl_preference", "to": "hh", "rows_in": 2, "rows_written": 1,
        "unreadable": 1, "not_expressible": 0,
    }  # fmt: skip
    assert rows(out) == [
        {"chosen": "\n\nHuman: p\n\nAssistant: a", "rejected": "\n\nHuman: p\n\nAssistant: b"}
    ]
    [reject] = rows(why)
    assert (reject["line"], reject["code"], reject["raw"]) == (2, "not_json", "nonsense")


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"q": "p", "good": "a", "bad": "b", "n": 1}\n')
    names = ["--map", "prompt=q", "--map", "chosen=good", "--map", "rejected=bad"]
    done = prefsift("convert", source, "--to", "native", "--out", out, *names)
    assert done.exit_code == 0, done.stderr
    [row] = rows(out)
    assert [response["text"] for response in row["responses"]] == ["a", "b"]
    assert row["n"] == 1


def test_an_unknown_kind_of_file_is_wrong_usage(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("{}\n")
    done = prefsift("convert", source, "--to", "native", "--out", tmp_path / "out.xlsx")
    assert done.exit_code == 2
