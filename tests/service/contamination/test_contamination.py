"""What a dataset and its file repeat of a benchmark, by words and by vectors."""

import uuid
from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from service.app import app as api_app
from service.cli import contamination
from service.cli.client import Api
from service.cli.main import build
from service.contamination.benchmarks import read_benchmarks
from service.errors import Invalid
from service.tables.jobs import Job, JobKind, Shard
from tests.workers.test_replaying import selected, uploaded
from workers.protocol import run_job
from workers.scoring import Scoring

pytestmark = pytest.mark.usefixtures("rung")

ASKED = "A farmer has seventeen sheep and all but nine of them run away during the night; how many?"
MEANT = "What is the capital city of the country of France?"
ITEMS = [ASKED, "Explain in one sentence why the sky over the sea looks blue at noon.", MEANT]
ROWS = [
    {"prompt": "Tell me of bread.", "chosen": "Flour, water and salt.", "rejected": "No."},
    {"prompt": f"Riddle! {ASKED.upper()}", "chosen": "Nine.", "rejected": "Eight."},
    {"prompt": "Which city is the capital of France?", "chosen": "Paris.", "rejected": "Rome."},
    {"prompt": "Name an animal.", "chosen": "A cat.", "rejected": f"Well: {ITEMS[1]}"},
]


def lines(rows: list[dict[str, str]]) -> bytes:
    return b"\n".join(map(orjson.dumps, rows))


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    path = tmp_path / "benchmark.jsonl"
    path.write_bytes(
        lines([{"id": "q1", "question": ASKED}]) + b"\n"
        + orjson.dumps({"turns": [{"says": ITEMS[1]}, {"says": MEANT}]})
    )  # fmt: skip
    return path


def test_a_benchmark_is_every_text_of_its_rows(benchmark: Path, tmp_path: Path) -> None:
    found = read_benchmarks([benchmark])
    assert [(each.line, each.field, each.text) for each in found] == [
        (1, "question", ASKED), (2, "turns.0.says", ITEMS[1]), (2, "turns.1.says", MEANT),
    ]  # fmt: skip
    assert len(read_benchmarks([benchmark, benchmark])) == 3
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b'{"a": "b c"}')
    with pytest.raises(Invalid, match="no text of 5 words"):
        read_benchmarks([empty])


def test_a_dataset_its_file_and_a_gate_agree(
    client: TestClient,
    session: Session,
    benchmark: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = uploaded(client, "tainted", lines(ROWS))
    path = f"/api/v1/datasets/{dataset}/contamination"
    assert client.get(path, params={"signal": "0" * 64}).status_code == 404
    asked = {"against": ITEMS, "cosine": 0.85}
    made = client.post(path, json=asked)
    assert made.status_code == 202, made.text
    job = uuid.UUID(made.json()["job"]["id"])
    assert ASKED not in str(session.get_one(Job, job).spec)
    run_job(uuid.UUID(made.json()["job"]["id"]), ("cpu",), {JobKind.score: Scoring()})
    payloads = session.scalars(select(Shard.payload).where(Shard.job_id == job)).all()
    assert sum("signal" in payload for payload in payloads) == 1
    assert ASKED not in str(payloads)  # the texts of the benchmark are stored once
    page = client.get(path, params={"signal": made.json()["signal"]}).json()
    assert (page["pairs"], page["contaminated"]) == (4, 3)
    assert {each["of"] for each in page["items"]} == {1}
    grams = {each["item"]: each for each in page["items"] if each["kind"] == "ngrams"}
    assert set(grams) == {0, 1}
    assert (grams[0]["field"], grams[0]["text"], grams[0]["share"]) == (
        "prompt", ASKED.upper().rstrip("?"), 1,
    )  # fmt: skip
    assert grams[1]["field"] == "rejected"
    means = [each["item"] for each in page["items"] if each["kind"] == "embedding"]
    assert 2 in means
    first = client.get(path, params={"signal": made.json()["signal"], "limit": 1}).json()
    second = client.get(path, params={"signal": made.json()["signal"], "limit": 2,
                                      "cursor": first["next_cursor"]}).json()  # fmt: skip
    assert first["items"] + second["items"] == page["items"]

    recipe = {
        "id": "untainted", "title": "What no benchmark asks", "budget": "100%",
        "signals": {"taint": {"kind": "contamination", **asked}},
        "terms": {"clean": "taint.clean"},
        "selector": {"kind": "gates", "all": [{"term": "clean", "at_least": 1}],
                     "then": {"kind": "random"}},
    }  # fmt: skip
    subset = selected(client, dataset, recipe=recipe, budget="100%")
    kept = client.get(f"/api/v1/subsets/{subset}/items", params={"kept": "true"}).json()["items"]
    assert len(kept) == 1

    api = Api("http://testserver", "unused")
    over = TestClient(api_app, "http://testserver/api/v1", headers={**client.headers})
    monkeypatch.setattr(api, "http", over)
    monkeypatch.setattr(contamination, "connect", lambda: api)

    def done(*more: str) -> None:
        run = build("contamination")
        words = ["contamination", *more, "--against", str(benchmark), "--cosine", "0.85"]
        found = CliRunner().invoke(run, [*words, "--json"], catch_exceptions=False)
        told = orjson.loads(found.output)
        wanted = [(each["kind"], each["item"]) for each in page["items"]]
        if "--no-embed" in more:
            wanted = [each for each in wanted if each[0] == "ngrams"]
        assert sorted((each["kind"], each["item"]) for each in told["items"]) == sorted(wanted)
        assert {each["benchmark_line"] for each in told["items"]} <= {1, 2}

    source = tmp_path / "tainted.jsonl"
    source.write_bytes(lines(ROWS))
    done(str(source))
    done(str(source), "--no-embed")

    [upload] = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"]
    assert client.post(f"/api/v1/uploads/{upload['id']}/withdraw").status_code == 200
    page = client.get(path, params={"signal": made.json()["signal"]}).json()
    assert (page["pairs"], page["contaminated"], page["items"]) == (0, 0, [])
