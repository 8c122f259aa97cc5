import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from service.export import card
from service.export.shards import SplitWriter, schema
from service.export.verify import verify
from tests.service.export.folders import HOSTILE, SCORES, row, rows, write

LOAD = """
import datasets, json, sys
found = datasets.load_dataset(sys.argv[1])
print(json.dumps({
    "rows": {name: split.num_rows for name, split in found.items()},
    "features": found["train"].features._to_yaml_list(),
    "first": found["train"][0] if found["train"].num_rows else None,
}))
"""


def load(folder: Path, cache: Path) -> dict[str, Any]:
    """What `datasets.load_dataset` sees, in a process of its own and without a network."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_load_dataset_sees_train_and_test_with_the_features_of_the_card(tmp_path: Path) -> None:
    write(tmp_path / "out", rows(40))
    found = load(tmp_path / "out", tmp_path / "cache")
    assert found["rows"] == {"train": 76, "test": 4}
    front = card.parse_front_matter((tmp_path / "out" / "README.md").read_text())
    assert front["dataset_info"]["features"] == found["features"]
    assert set(found["first"]["prompt"][0]) == {"role", "content"}


def test_an_empty_subset_is_one_shard_with_the_columns_and_no_rows(tmp_path: Path) -> None:
    # `datasets` refuses any split without rows ("corresponds to no data"); Parquet readers don't.
    assert set(write(tmp_path, [])) >= {"data/train-00000-of-00001.parquet", "README.md"}
    (shard,) = (tmp_path / "data").iterdir()
    assert pq.read_table(shard).num_rows == 0
    assert verify(tmp_path) == []


def test_no_prompt_is_in_both_splits_and_no_row_is_added(tmp_path: Path) -> None:
    given = rows(33, per_prompt=3)
    write(tmp_path, given)
    train, test = (
        pq.read_table(next((tmp_path / "data").glob(f"{name}-*"))).to_pylist()
        for name in ("train", "test")
    )
    assert not {each["prompt_id"] for each in train} & {each["prompt_id"] for each in test}
    assert sorted(each["pair_id"] for each in train + test) == [each["pair_id"] for each in given]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, rows(25)) for name in "ab")
    assert first == second
    for name in first:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_hostile_texts_come_back_unchanged(tmp_path: Path) -> None:
    given = [row(i, i, chosen=text, rejected="x") for i, text in enumerate(HOSTILE.values())]
    write(tmp_path, given)
    (shard,) = (tmp_path / "data").iterdir()
    read = [each["chosen"][0]["content"] for each in pq.read_table(shard).to_pylist()]
    assert [text.encode() for text in read] == [text.encode() for text in HOSTILE.values()]


def test_columns_are_those_of_trl_and_the_provenance(tmp_path: Path) -> None:
    write(tmp_path, rows(1))
    (shard,) = (tmp_path / "data").iterdir()
    assert pq.read_schema(shard).names == [
        "prompt", "chosen", "rejected", "pair_id", "prompt_id", "source", "license",
        "recipe_id", "recipe_sha", "weight", *SCORES,
    ]  # fmt: skip


def test_a_split_is_cut_into_shards_that_say_how_many_they_are(tmp_path: Path) -> None:
    writer = SplitWriter(tmp_path / "data", "train", schema(SCORES), bytes_per_shard=100)
    (tmp_path / "data").mkdir()
    for each in rows(5, per_prompt=500):
        writer.add(each)
    written = writer.close()
    assert [(name, found.get("rows")) for name, found in written.items()] == [
        ("data/train-00000-of-00003.parquet", 1000),
        ("data/train-00001-of-00003.parquet", 1000),
        ("data/train-00002-of-00003.parquet", 500),
    ]
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        name.removeprefix("data/") for name in written
    }


def test_the_card_has_the_front_matter_that_the_hub_reads(tmp_path: Path) -> None:
    write(tmp_path, rows(20))
    text = (tmp_path / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "mit"
    assert front["size_categories"] == ["n<1K"]
    assert [each["split"] for each in front["configs"][0]["data_files"]] == ["train", "test"]
    assert "Yes: better than random" in text


def test_manifest_lists_every_other_file_with_its_hash(tmp_path: Path) -> None:
    files = write(tmp_path, rows(20))
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    present = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert set(manifest["files"]) == present - {"manifest.json"}
    assert set(files) == present
