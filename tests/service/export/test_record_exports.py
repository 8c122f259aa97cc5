"""Whole datasets leave in any layout: loaded by `datasets`, the records say the same again."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import orjson
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from trl.data_utils import maybe_extract_prompt, maybe_unpair_preference_dataset

from service.export import manifest
from service.export.verify import verify
from service.formats import FORMATS
from service.labels.records import load_records
from service.trainers import LAYOUTS
from tests.service.export.exporting import exported, refused
from tests.service.formats.meaning import judged
from tests.service.formats.test_conformance import read, rows_of
from tests.service.intake.uploading import ingested, new_dataset, trl

pytestmark = pytest.mark.usefixtures("rung")


def name_of(format: str) -> str:
    return f"format:{format}" if format in LAYOUTS and format != "native" else format


def given(client: TestClient, rows: list[dict[str, Any]]) -> str:
    """A dataset of these rows, as "datasets/ID"."""
    dataset = new_dataset(client)
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    assert ingested(client, dataset, lines)["rejected"] == 0
    return f"datasets/{dataset}"


def loaded(folder: Path, cache: Path) -> dict[str, list[dict[str, Any]]]:
    found = datasets.load_dataset(str(folder), cache_dir=str(cache))
    assert isinstance(found, datasets.DatasetDict)
    return {str(split): [dict(row) for row in rows] for split, rows in found.items()}


def full(value: Any) -> Any:
    """Without the nulls that `datasets` fills a table with."""
    if isinstance(value, dict):
        return {name: full(each) for name, each in value.items() if each is not None}
    return [full(each) for each in value] if isinstance(value, list) else value


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "data").glob("*.jsonl")):
        yield from map(orjson.loads, path.read_bytes().splitlines())


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_leaves_the_store_with_all_labels(
    format: str, client: TestClient, session: Session, tmp_path: Path
) -> None:
    owner, out = given(client, rows_of(format)), tmp_path / "out"
    stored = [each.record for each in load_records(session, uuid.UUID(owner.split("/")[1]))]
    found = exported(client, owner, out, layout=name_of(format), test_fraction=0)
    if found["state"] != "ready":  # a published set that is written as native
        assert found["job"]["error"]["code"] == "preflight_failed", found["job"]
        found = exported(client, owner, out, layout="native", test_fraction=0)
        format = "native"
    assert verify(out) == []
    assert judged(read(FORMATS[format], [*lines(out)])) == judged(stored)
    rows = loaded(out, tmp_path / "cache")["train"]
    assert judged(read(FORMATS[format], full(rows))) == judged(stored)
    [origins] = (out / "provenance").glob("train-*.parquet")
    assert pq.read_table(origins).num_rows == found["rows"]


def test_a_whole_dataset_leaves_as_pairs_and_by_a_filter(
    client: TestClient, tmp_path: Path
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(40))
    owner = f"datasets/{dataset}"
    found = exported(client, owner, tmp_path / "all", layout="trl_preference", test_fraction=0.2)
    assert found["rows"] == 40
    assert verify(tmp_path / "all") == []
    data = loaded(tmp_path / "all", tmp_path / "cache")
    assert {*data} == {"train", "test"}
    for row in data["train"]:
        assert maybe_extract_prompt(row) == row
    prompts = exported(client, owner, tmp_path / "prompts", layout="prompts", test_fraction=0)
    assert prompts["rows"] == 40
    where = "chosen.text IN ('good 3', 'good 5')"
    for layout, texts in (("huggingface", "chosen"), ("native", "responses")):
        out = tmp_path / layout
        found = exported(client, owner, out, layout=layout, where=where, test_fraction=0)
        assert found["rows"] == 2, found["job"]
        assert verify(out) == []
        [rows] = loaded(out, tmp_path / "cache").values()
        for text, row in zip(("good 3", "good 5"), rows, strict=True):
            assert text in str(row[texts])
    answer = client.post(f"/api/v1/{owner}/exports", json={"where": "nope > 1"})
    assert answer.status_code == 422


def test_a_layout_says_what_it_leaves_out_and_whose(client: TestClient, tmp_path: Path) -> None:
    steps = [
        {"prompt": "1 + 2?", "completions": ["a", "b"], "labels": [True, None]},
        {"prompt": "2 + 2?", "completions": ["c", "d"], "labels": [True, False]},
    ]
    owner, out = given(client, steps), tmp_path / "out"
    found = exported(client, owner, out, layout="trl_stepwise", test_fraction=0)
    assert found["rows"] == 1
    described = manifest.load(out)
    assert described["records"]["left_out"] == {"ratings": 1}
    assert described["records"]["labels"] == {"ratings": 3}
    assert "Left out: 1 ratings." in (out / "README.md").read_text()
    [finding] = orjson.loads((out / "preflight.json").read_bytes())["findings"]
    assert (finding["code"], finding["count"]) == ("left_out", 1)
    assert finding["rows"][0].endswith(":1")
    assert loaded(out, tmp_path / "cache")["train"] == [steps[1]]


def test_what_can_not_be_said_is_refused_or_left_out_and_counted(
    client: TestClient, tmp_path: Path
) -> None:
    text = {"messages": [{"role": "user", "content": "Hi"}]}
    said = {"responses": [{"id": "x", "text": "yes"}, {"id": "y", "text": "no"}]}
    thumb = {"ratings": [{"response": "x", "value": 1, "scale": [0, 1]}]}
    compared = {"comparisons": [{"a": "x", "b": "y", "outcome": "tie"}]}
    rows = [{"id": "up", **text, **said, **thumb}, {"id": "tied", **text, **said, **compared}]
    owner, out = given(client, rows), tmp_path / "out"
    problem = refused(client, owner, layout="trl_thumbs", test_fraction=0)
    assert problem["code"] == "preflight_failed"
    assert problem["detail"].endswith(
        "leave_out (--leave-out) leaves such records out and counts them"
    )
    assert any("tied at" in row for each in problem["findings"] for row in each["rows"])
    found = exported(client, owner, out, layout="trl_thumbs", leave_out=True, test_fraction=0)
    assert found["rows"] == 1
    assert manifest.load(out)["records"]["left_out"] == {"records": 1}
    data = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"), split="train")
    assert maybe_unpair_preference_dataset(data) is data
    answer = client.post(f"/api/v1/{owner}/exports", json={"layout": "native", "resample": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_options")
