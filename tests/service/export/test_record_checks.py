"""Verify counts an export of records once more: whatever a number says wrongly is found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.export import accounts, manifest, record_folder
from service.export.layout import TrainingRecord
from service.export.shards import facts
from service.export.trainer_folder import Wanted
from service.export.verify import verify
from service.formats.record import Annotator, Comparison, Ranking, Rating, Record, Response
from service.tables.labels import Outcome
from workers.exporting import PACKAGES, version

ANN, BEN = Annotator("ann"), Annotator("ben")
DESCRIBED = {
    "format": 1,
    "license": "mit",
    "versions": {name: version(name) for name in PACKAGES},
}


def given(index: int) -> TrainingRecord:
    """A ranking or a comparison, a rating of a step, and of a response by one or by two."""
    record = Record(
        [{"role": "user", "content": f"Question {index}"}],
        [
            Response("x", f"Answer {index}"),
            Response("y", "No"),
            Response("z", messages=[{"role": "assistant", "content": "Step"}] * 2),
        ],
        comparisons=[Comparison(ANN, a="x", b="y", outcome=Outcome.a)] * (index % 3),
        ratings=[
            Rating(ANN, response="x", value=4.0),
            *([Rating(BEN, response="x", value=2.0)] * (index % 2)),
            Rating(ANN, response="z", turn=0, value=1.0),
        ],
        rankings=[Ranking(ANN, tiers=[["x"], ["y"]])] * (index % 2),
        record_id=f"r{index}",
    )
    prompt_id = f"prompt-{index:03d}"
    origin = {
        "record_id": record.record_id, "prompt_id": prompt_id, "source": f"0123:{index + 1}",
        "license": "mit", "recipe_id": "all", "recipe_sha": "f" * 64,
    }  # fmt: skip
    return TrainingRecord(record, prompt_id, origin)


def written(out: Path, layout: str, count: int = 12, **wanted: Any) -> dict[str, Any]:
    """The manifest; every fourth record is held out, and one belongs to both splits."""
    records = [given(index) for index in range(count)]
    splits = {each.prompt_id: "test" if index % 4 == 3 else "train" for index, each in
              enumerate(records)} | {"prompt-000": "left_out"}  # fmt: skip
    out.mkdir()
    proof = pa.table({"prompt_id": [*splits], "split": [*splits.values()]})
    wish = Wanted(layout, **wanted)
    record_folder.write(lambda: records, splits, out, wish, DESCRIBED, proof)
    return manifest.load(out)


def resealed(out: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """The hashes of all files as they are now: only a count can find what was changed."""
    described = manifest.load(out)
    change(described)
    for name, found in described["files"].items():
        described["files"][name] = {**found, **facts(out / name)}
    (out / manifest.NAME).write_bytes(manifest.dump(described))


def said(out: Path) -> dict[str, str]:
    return {each.file: each.message for each in verify(out)}


@pytest.mark.parametrize(
    "layout",
    ["native", "ranked", "prompts", "judge", "personal", "reward_votes", "aspect_scores",
     "step_values", "ratings", "format:csv", "format:native"],
)  # fmt: skip
def test_what_a_layout_writes_is_verified(layout: str, tmp_path: Path) -> None:
    described = written(tmp_path / "out", layout, leave_out=True)
    assert verify(tmp_path / "out") == []
    left = described["records"]["left_out"]
    assert left["records of both splits"] == 1
    held = sum(each["records"] for each in described["records"]["splits"])
    assert left.get("records", 0) + held == 11


def test_the_counts_are_those_of_the_records(tmp_path: Path) -> None:
    found = written(tmp_path / "out", "ranked")["records"]
    assert found["splits"] == [
        {"name": "train", "rows": 3, "records": 8, "prompts": 8},
        {"name": "test", "rows": 3, "records": 3, "prompts": 3},
    ]
    assert found["labels"] == {"comparisons": 12, "ratings": 28, "rankings": 6}
    assert found["left_out"] == {
        "comparisons": 12, "ratings": 28, "records of both splits": 1,
    }  # fmt: skip
    assert pq.read_table(tmp_path / "out" / accounts.NAME).num_rows == 12


@pytest.mark.parametrize("name", ["labels", "left_out", "splits"])
def test_a_number_of_the_manifest_is_counted(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, "native")

    def change(described: dict[str, Any]) -> None:
        found = described["records"][name]
        if isinstance(found, list):
            found[0]["prompts"] += 1
        else:
            found["comparisons"] = 99

    resealed(out, change)
    assert said(out)["manifest.json"].startswith(f"says {name} ")


@pytest.mark.parametrize("layout", ["native", "ranked", "aspect_scores", "format:csv"])
def test_every_number_of_the_card_is_counted(layout: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, layout, leave_out=True)
    card = (out / "README.md").read_text()
    body = card.index("# Records")
    digits = [place for place in range(body, len(card)) if card[place].isdigit()]
    assert len(digits) > 8
    for place in digits:
        other = str((int(card[place]) + 1) % 10)
        (out / "README.md").write_text(card[:place] + other + card[place + 1 :])
        resealed(out)
        assert "the files give" in said(out)["README.md"]


@pytest.mark.parametrize(
    ("column", "value", "file"),
    [("left_ratings", 1, "data"), ("comparisons", 5, "data"), ("record_id", "x", accounts.NAME),
     ("split", "test", accounts.NAME), ("why", "so", accounts.NAME)],
)  # fmt: skip
def test_an_account_is_held_against_the_rows(
    column: str, value: Any, file: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    written(out, "native")
    rows = [*accounts.read(out)]
    rows[1][column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=accounts.SCHEMA), out / accounts.NAME)
    resealed(out)
    assert {file, "manifest.json"} <= said(out).keys() or file in said(out)


def test_a_row_that_is_gone_is_found(tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, "native")
    data = out / "data" / "train.jsonl"
    lines = data.read_bytes().splitlines(keepends=True)
    data.write_bytes(b"".join(lines[:-1]))
    resealed(out)
    assert {"data/train.jsonl", "data", "manifest.json", "README.md"} <= said(out).keys()


@pytest.mark.parametrize("content", [None, b"PAR1 broken"])
def test_accounts_that_can_not_be_read_are_a_difference(
    content: bytes | None, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    written(out, "native")
    (out / accounts.NAME).unlink()
    if content is not None:
        (out / accounts.NAME).write_bytes(content)
    assert accounts.NAME in said(out)


def test_a_card_of_another_version_is_compared_by_its_counts_only(tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, "native")
    (out / "README.md").write_text("other words")

    def older(described: dict[str, Any]) -> None:
        described["versions"] = {**described["versions"], "prefsift": "0.0.1"}

    resealed(out, older)
    assert said(out) == {}
    assert orjson.loads((out / "manifest.json").read_bytes())["records"]["labels"]
