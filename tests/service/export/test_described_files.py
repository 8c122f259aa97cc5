"""croissant.json beside an export: valid, records read through it, checked by verify."""

import math
from pathlib import Path
from typing import Any

import mlcroissant
import orjson
import pytest

from service.export import croissant, described_files, manifest, trainer_folder
from service.export.shards import facts
from service.export.trainer_folder import Wanted
from service.export.verify import verify
from service.trainers import LAYOUTS
from tests.service.export.folders import rows, write

# Parquet with lists, with structs and with texts; JSON lines; CSV.
KINDS = ("trl_unpaired", "llamafactory", "ultrafeedback_binarized", "nemo_rl", "csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "out", rows(40))
    return tmp_path / "out"


def records(folder: Path) -> list[dict[str, Any]]:
    """Rows by column, as mlcroissant reads them from the folder; it warns of nothing wrong."""
    found: Any = mlcroissant.Dataset(str(folder / croissant.NAME))
    assert not found.metadata.issues.errors
    names = {f"default/{name}": name for name in ("split", *columns(folder))}
    return [
        {names[key]: plain(value) for key, value in each.items() if key in names}
        for each in found.records("default")
    ]


def columns(folder: Path) -> list[str]:
    return [each["name"] for each in manifest.load(folder)["columns"]]


def plain(value: Any) -> Any:
    """Bytes as text, and the members of messages by their last name."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        said: dict[str, Any] = value
        return {key.rpartition("/")[2]: plain(each) for key, each in said.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(each) for each in value] if isinstance(value, list) else value


def test_records_of_an_export_are_read_through_mlcroissant(folder: Path) -> None:
    assert verify(folder) == []
    found = records(folder)
    given = {row["pair_id"]: row for row in rows(40)}
    assert {row["pair_id"] for row in found} == given.keys()
    assert {row["split"] for row in found} == {"train", "test"}
    for row in found:
        for name, expected in given[row["pair_id"]].items():
            missing = expected is None and (row[name] is None or math.isnan(row[name]))
            assert missing or row[name] == expected, name


@pytest.mark.parametrize("name", KINDS)
def test_every_layout_is_described_and_read(name: str, folder: Path) -> None:
    out = folder.with_name("layout")
    count, _ = trainer_folder.write(folder, out, Wanted(name))
    assert verify(out) == []
    found = records(out)
    assert len(found) == count
    assert set(found[0]) == {"split", *LAYOUTS[name]().columns}
    assert {row["split"] for row in found} == {"train", "test"}


def test_the_same_export_is_described_by_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", rows(40))
    said = [(each / croissant.NAME).read_bytes() for each in (folder, tmp_path / "again")]
    assert said[0] == said[1]


def test_json_lines_without_types_are_described_as_files_only(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "train.jsonl"
    path.write_bytes(b"{}\n")
    files = {"data/train.jsonl": facts(path, 1)}
    described_files.write_layout(tmp_path, files, LAYOUTS["native"](), None)
    document = orjson.loads((tmp_path / croissant.NAME).read_bytes())
    assert document["recordSet"] == []
    assert not mlcroissant.Dataset(str(tmp_path / croissant.NAME)).metadata.issues.errors


@pytest.mark.parametrize("change", ["sha256", "contentSize", "contentUrl", "all"])
def test_a_croissant_that_lies_is_found(change: str, folder: Path) -> None:
    path = folder / croissant.NAME
    document = orjson.loads(path.read_bytes())
    if change == "all":
        document = {"distribution": None}
    else:
        document["distribution"][0][change] = "0"
    path.write_bytes(orjson.dumps(document))
    described = manifest.load(folder)
    described["files"][croissant.NAME] = facts(path)  # also a manifest that was made to agree
    (folder / manifest.NAME).write_bytes(manifest.dump(described))
    assert {each.file for each in verify(folder)} == {croissant.NAME}
