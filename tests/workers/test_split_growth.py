"""Splits through the API as a dataset grows: uploads, selections and exports."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.grouping.fingerprints import shingles
from curation.grouping.near_duplicates import jaccard
from service.export import manifest
from service.export.shards import facts
from service.export.verify import verify
from service.tables.jobs import Job
from service.tables.splits import PromptFingerprint, SplitAssignment
from service.tables.subsets import Export
from tests.workers.test_exporting import unpack
from workers.protocol import run_job
from workers.tasks import HANDLERS

pytestmark = pytest.mark.usefixtures("rung")

WORDS = [f"{one}{other}" for one in ("sun", "sea", "oak", "ash", "fen") for other in "abcdefghij"]
Line = dict[str, Any]


def said(number: int, *more: str) -> str:
    """25 words that only the prompts of this number have, and more."""
    return " ".join([*(f"{word}{number}" for word in WORDS[:25]), *more])


def line(prompt: str, judged: str = "ann", then: str | None = None) -> Line:
    """A judged prompt; with `then` it is an answer and that, too."""
    messages = [{"role": "user", "content": prompt}]
    if then is not None:
        messages += [{"role": "assistant", "content": "Why?"}, {"role": "user", "content": then}]
    return {
        "messages": messages,
        "responses": [{"id": "x", "text": "A good answer."}, {"id": "y", "text": "A bad one."}],
        "comparisons": [{"a": "x", "b": "y", "outcome": "a", "annotator": judged}],
    }


class Service:
    """One dataset behind the API; its jobs are run at once."""

    def __init__(self, client: TestClient, session: Session) -> None:
        self.client, self.session = client, session
        self.dataset = self.post("/datasets", {"name": "growing"})["id"]

    def post(self, path: str, body: Any, **more: Any) -> dict[str, Any]:
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self.client.post(f"/api/v1{path}", **sent, **more)
        assert answer.status_code in (200, 201, 202), answer.text
        found = answer.json()
        if "job" in found:
            run_job(found["job"]["id"], ("cpu",), HANDLERS)
            self.session.expire_all()
            job = self.session.get_one(Job, found["job"]["id"])
            assert job.state == "succeeded", job.error
        return found

    def upload(self, lines: list[Line]) -> str:
        body = b"\n".join(map(orjson.dumps, lines))
        path = f"/datasets/{self.dataset}/uploads"
        return self.post(path, body, params={"filename": "x.jsonl"})["upload"]["id"]

    def export(self, path: Path, budget: int, **asked: Any) -> Path:
        body = {"recipe": "random", "budget": str(budget), "seed": 0}
        subset = self.post(f"/datasets/{self.dataset}/subsets", body)["subset"]["id"]
        wanted = {"test_fraction": 0.4, **asked}
        made = self.post(f"/subsets/{subset}/exports", wanted)["export"]["id"]
        path.mkdir()
        return unpack(self.session.get_one(Export, made), path)


@pytest.fixture
def service(client: TestClient, session: Session) -> Service:
    return Service(client, session)


def places(folder: Path) -> dict[str, str]:
    """The split in which each prompt's rows lie, by what it says."""
    found: dict[str, str] = {}
    for shard in sorted((folder / "data").glob("*.parquet")):
        for row in pq.read_table(shard).to_pylist():
            found[row["prompt"][-1]["content"]] = shard.name.split("-")[0]
    return found


def leaks(found: dict[str, str]) -> list[tuple[str, str]]:
    """By a double loop: near-duplicates in two splits."""
    sets = {text: shingles(text) for text in found}
    return [
        (one, other)
        for one, other in combinations(found, 2)
        if found[one] != found[other] and jaccard(sets[one], sets[other]) >= 0.8
    ]


def test_nothing_moves_when_rows_are_uploaded_that_join_what_was_apart(
    service: Service, tmp_path: Path
) -> None:
    ends = [said(0, *(f"{end}{i}" for end in "wxyz")) for i in range(40)]
    base = said(0)
    assert jaccard(shingles(ends[0]), shingles(ends[1])) == 0.75
    assert jaccard(shingles(ends[0]), shingles(base)) == pytest.approx(6 / 7)
    service.upload([line(text) for text in ends])
    first = places(service.export(tmp_path / "first", 40))
    assert set(first.values()) == {"train", "test"}
    twins = [f"{text.upper()}!" for text in ends]
    others = [said(200 + i) for i in range(19)]
    service.upload([line(text) for text in [*twins, base, *others]])
    folder = service.export(tmp_path / "second", 100)
    second = places(folder)
    assert {text: second[text] for text in first} == first
    assert second == {
        **first,
        **{twin: first[text] for twin, text in zip(twins, ends, strict=True)},
        **{text: second[text] for text in others},
    }
    assert leaks(second) == []
    split = manifest.load(folder)["split"]
    assert (split["prompts_left_out"], split["rows_left_out"]) == (1, 1)  # the base: like both
    assert verify(folder) == []
    assert places(service.export(tmp_path / "third", 100)) == second


def test_near_duplicates_and_conversations_that_were_planted_are_counted(
    service: Service, tmp_path: Path
) -> None:
    alone = [said(i) for i in range(60)]
    changed = [said(i).replace("oakd", "elm") for i in range(10)]  # 22 of 26 word pairs
    service.upload(
        [line(text) for text in [*alone, *changed]]
        + [line(text, then=f"And number {i}?") for i, text in enumerate(alone[20:25])]
    )
    folder = service.export(tmp_path / "out", 75)
    split = manifest.load(folder)["split"]
    assert (split["components"], split["largest_component"]) == (60, 2)
    assert leaks(places(folder)) == []
    apart = service.export(tmp_path / "apart", 75, split_by=["prompt"])
    assert manifest.load(apart)["split"]["components"] == 75
    assert len(leaks(places(apart))) > 0
    assert verify(apart) == []  # nothing else was promised


def test_no_annotator_is_in_both_splits_even_after_a_label_that_joins_them(
    service: Service, tmp_path: Path
) -> None:
    asked = {"split_by": ["annotator"]}
    names = {said(i): f"a{i % 8}" for i in range(48)}
    service.upload([line(text, name) for text, name in names.items()])
    folder = service.export(tmp_path / "first", 48, **asked)
    first = places(folder)
    assert set(first.values()) == {"train", "test"}
    sides = {
        name: {first[text] for text in names if names[text] == name} for name in names.values()
    }
    assert max(map(len, sides.values())) == 1
    assert verify(folder) == []
    test = next(text for text in names if first[text] == "test")
    train = next(text for text in names if first[text] == "train")
    service.upload([line(test, names[train])])  # who judged six of train judges one of test, too
    folder = service.export(tmp_path / "second", 49, **asked)
    second = places(folder)
    assert test not in second
    assert second == {text: side for text, side in first.items() if text in second}
    assert verify(folder) == []


def test_verify_finds_a_leak_though_every_hash_is_right(service: Service, tmp_path: Path) -> None:
    texts = [said(i, "and", "more") for i in range(60)]
    service.upload([line(text, f"a{i % 12}") for i, text in enumerate(texts)])
    for name, asked in (("pairs", {}), ("trainer", {"layout": "trl_preference"})):
        folder = service.export(
            tmp_path / name, 60, split_by=["near_duplicate", "annotator"], **asked
        )
        assert verify(folder) == []
        for plant in (plant_annotator, plant_component, plant_row):
            before = contents(folder)
            plant(folder)
            sign(folder)
            assert verify(folder), plant.__name__
            for path, content in before.items():
                path.write_bytes(content)
        assert verify(folder) == []


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sign(folder: Path) -> None:
    """Write the hashes of the changed files into the manifest."""
    described = manifest.load(folder)
    for name, said in described["files"].items():
        described["files"][name] = said | facts(folder / name)
    (folder / manifest.NAME).write_bytes(manifest.dump(described))


def change(path: Path, edit: Callable[[Line], Line]) -> None:
    table = pq.read_table(path)
    rows = [edit(row) for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def plant_annotator(folder: Path) -> None:
    """Whoever judged anything judged one prompt of train and one of test, too."""
    change(folder / "splits.parquet", lambda row: row | {"annotators": [*row["annotators"], 99]})


def plant_component(folder: Path) -> None:
    change(folder / "splits.parquet", lambda row: row | {"component": 5})


def plant_row(folder: Path) -> None:
    """The prompts of train and of test change places in what says where rows come from."""
    place = "provenance" if (folder / "provenance").is_dir() else "data"
    train, test = (next((folder / place).glob(f"{side}-*.parquet")) for side in ("train", "test"))
    moved = pq.read_table(test)["prompt_id"].to_pylist()[0]
    change(train, lambda row: row | {"prompt_id": moved})


def test_an_erased_prompt_leaves_no_hash_behind(service: Service, tmp_path: Path) -> None:
    upload = service.upload([line(said(i)) for i in range(30)])
    service.upload([line(said(i)) for i in range(30, 60)])
    service.export(tmp_path / "first", 60)
    service.post(f"/datasets/{service.dataset}/erasures", {"upload_id": upload, "exports": "keep"})
    for table in (SplitAssignment, PromptFingerprint):
        query = select(func.count()).where(table.dataset_id == service.dataset)
        assert service.session.scalar(query) == 30


def test_what_is_withdrawn_takes_no_part_and_comes_back_where_it_was(
    service: Service, tmp_path: Path
) -> None:
    service.upload([line(said(i)) for i in range(40)])
    upload = service.upload([line(said(i)) for i in range(40, 60)])
    first = places(service.export(tmp_path / "first", 60))
    service.post(f"/uploads/{upload}/withdraw", {})
    folder = service.export(tmp_path / "second", 40)
    assert manifest.load(folder)["split"]["components"] == 40
    assert places(folder) == {said(i): first[said(i)] for i in range(40)}
    service.post(f"/uploads/{upload}/restore", {})
    assert places(service.export(tmp_path / "third", 60)) == first
