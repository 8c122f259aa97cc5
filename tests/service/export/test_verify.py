import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from service.cli.verify import verify as command
from service.export.verify import verify
from tests.service.export.folders import row, rows, write

app = typer.Typer()
app.command()(command)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, rows(20))
    return tmp_path


def messages(folder: Path) -> str:
    return "\n".join(f"{each.file}: {each.message}" for each in verify(folder))


def test_an_untouched_folder_is_as_its_manifest_says(folder: Path) -> None:
    assert verify(folder) == []


@pytest.mark.parametrize("name", ["README.md", "report.html", "rejects.jsonl"])
def test_a_flipped_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    assert f"{name}: sha256" in messages(folder)


def test_a_flipped_byte_in_the_data_is_found(folder: Path) -> None:
    shard = next((folder / "data").glob("train-*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert f"data/{shard.name}: sha256" in messages(folder)


def test_a_removed_row_is_found_in_hash_rows_manifest_and_card(folder: Path) -> None:
    shard = next((folder / "data").glob("train-*"))
    pq.write_table(pq.read_table(shard).slice(1), shard)
    found = messages(folder)
    assert f"data/{shard.name}: 37 rows, not 38" in found
    assert "manifest.json: says" in found
    assert "README.md: says" in found


def test_missing_and_unlisted_files_are_found(folder: Path) -> None:
    (folder / "rejects.jsonl").unlink()
    (folder / "data" / "train-extra.parquet").write_bytes(b"")
    found = messages(folder)
    assert "rejects.jsonl: is missing" in found
    assert "data/train-extra.parquet: is not in the manifest" in found


def test_equal_answers_and_a_repeated_pair_are_found(tmp_path: Path) -> None:
    write(tmp_path, [row(0, 0, "same", "same"), row(1, 1), row(1, 1)])
    found = messages(tmp_path)
    assert "pair-0000: chosen equals rejected" in found
    assert "pair pair-0001 is there twice" in found


def test_a_prompt_in_both_splits_is_found(folder: Path) -> None:
    train, test = (next((folder / "data").glob(f"{name}-*")) for name in ("train", "test"))
    pq.write_table(pq.read_table(train).slice(0, 2), test)
    assert "is in two splits" in messages(folder)


def test_the_command_exits_with_1_and_lists_the_differences(folder: Path) -> None:
    assert CliRunner().invoke(app, [str(folder)]).exit_code == 0
    (folder / "README.md").write_text("---\nnot: a card")
    done = CliRunner().invoke(app, [str(folder), "--json"])
    assert done.exit_code == 1
    assert {each["file"] for each in json.loads(done.stdout)["differences"]} == {"README.md"}


def test_a_folder_that_is_no_export_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path)])
    assert done.exit_code == 1
    assert "holds no prefsift export" in done.stderr
