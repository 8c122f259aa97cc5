import io
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from typer.testing import CliRunner

from service.cli.main import build
from service.cli.previewing import print_preview
from service.cli.upload import read_as
from service.ingest.preview import preview
from service.reading.rows import read_rows


def lines(*rows: object) -> bytes:
    return b"\n".join(map(orjson.dumps, rows))


def shown(content: bytes, **mapping: str) -> str:
    rows = read_rows(io.BytesIO(content), len(content), 1 << 20)
    console = Console(file=io.StringIO(), width=100)
    print_preview(console, "x.jsonl", preview(rows, None, mapping))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_preview_shows_columns_records_and_rejects() -> None:
    said = shown(lines({"q": "2 + 2?", "chosen": "4", "rejected": "5"}, 7), prompt="q")
    assert "x.jsonl: layout trl_preference" in said
    assert "2 rows: 1 can be read, 1 rejected" in said
    assert "q         prompt" in said
    assert "2 + 2?  |  4  |  5" in said
    assert "line 2: the line is a int, not an object (not_an_object)" in said


def test_rejects_that_are_not_shown_are_counted() -> None:
    good = {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}
    said = shown(lines(good, *range(7)))
    assert "… and 2 more rejected" in said
    assert "more rejected" not in shown(lines(good, *range(5)))


def test_a_column_of_ours_with_a_slip_is_named_with_the_one_near_it() -> None:
    said = shown(lines({"q": "2 + 2?", "good": "4"}), promt="q", chosen="good")
    assert "'promt' is not a column that a layout is told by; is 'prompt' meant?" in said
    assert "meant" not in shown(lines({"q": "2 + 2?", "good": "4"}), prompt="q", chosen="good")


def test_a_file_of_no_known_layout_says_what_to_do() -> None:
    said = shown(lines({"q": "2 + 2?"}))
    assert "no known layout" in said
    assert "--map" in said


def test_what_a_file_hides_is_not_run_by_the_terminal() -> None:
    evil = "\x1b[31m\u202e[bold]x[/bold]"
    said = shown(lines({evil: evil, "prompt": evil, "chosen": evil, "rejected": "y"}))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[bold]x[/bold]" in said


def test_formats_shows_a_file_without_a_server(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines({"q": "2 + 2?", "chosen": "4", "rejected": "5"}))
    words = ["formats", str(path), "--map", "prompt=q"]
    found = CliRunner().invoke(build("formats"), [*words, "--json"])
    assert found.exit_code == 0, found.output
    assert orjson.loads(found.stdout)["mapping"]["prompt"] == "q"
    assert "layout trl_preference" in CliRunner().invoke(build("formats"), words).stdout
    assert CliRunner().invoke(build("formats"), ["formats", "/nowhere"]).exit_code == 2


def test_a_mapping_is_given_as_names_and_sent_as_json() -> None:
    found = read_as("hh", ["prompt=a=b", "chosen=c"])
    assert found["layout"] == "hh"
    assert orjson.loads(found["mapping"]) == {"prompt": "a=b", "chosen": "c"}
    assert read_as(None, None) == {}


@pytest.mark.parametrize("column", ["prompt", "=x", "prompt="])
def test_half_a_mapping_is_wrong_usage(column: str) -> None:
    answer = CliRunner().invoke(
        build("upload"), ["upload", __file__, "--dataset", "d", "--map", column]
    )
    assert answer.exit_code == 2
