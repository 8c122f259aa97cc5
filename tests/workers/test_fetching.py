import gzip
import io
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from service import files
from service.config import Settings
from service.errors import Invalid
from service.intake import hub, public_urls
from service.intake.hub import chosen
from service.tables.jobs import JobKind
from tests.service.intake.hub_server import COMMIT, Hub
from tests.service.intake.hub_server import hub as serving
from tests.service.intake.uploading import new_dataset, trl
from workers import fetching
from workers.fetching import Fetching
from workers.ingesting import Ingesting
from workers.protocol import run_job

pytestmark = pytest.mark.usefixtures("rung")

HANDLERS = {JobKind.fetch: Fetching(), JobKind.ingest: Ingesting()}


def table(n: int) -> bytes:
    rows = [{"prompt": f"t{i}", "chosen": "good", "rejected": "bad"} for i in range(n)]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


FILES = {
    "README.md": b"# pairs",
    "loader.py": b"raise SystemExit('a repository is only data')",
    "data/train-00000-of-00002.parquet": table(3),
    "data/train-00001-of-00002.parquet": table(4),
    "data/test.jsonl.gz": gzip.compress(trl(5)),
}


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The operator's hub is a server on loopback."""
    with serving(FILES) as server:
        own = Settings(HF_ENDPOINT=server.url, HF_TOKEN="hf_secret")  # pyright: ignore[reportCallIssue]
        for module in (hub, fetching):
            monkeypatch.setattr(module, "settings", own)
        yield server


def fetch(client: TestClient, dataset: str, **body: Any) -> dict[str, Any]:
    """The job once it has ended."""
    made = client.post(f"/api/v1/datasets/{dataset}/imports", json=body)
    assert made.status_code == 202, made.text
    run_job(uuid.UUID(made.json()["id"]), ("cpu",), HANDLERS)
    return client.get(f"/api/v1/jobs/{made.json()['id']}").json()


def test_the_files_of_a_split_become_uploads(client: TestClient, pairs: Hub) -> None:
    dataset = new_dataset(client)
    job = fetch(client, dataset, repo_id="org/pairs", split="train", mode="atomic")
    assert (job["state"], job["kind"], job["rows_done"]) == ("succeeded", "fetch", 2)
    for each in job["result"]["jobs"]:
        run_job(uuid.UUID(each), ("cpu",), HANDLERS)
    uploads = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"]
    assert [each["id"] for each in uploads] == job["result"]["uploads"]
    assert [each["filename"] for each in uploads] == [name for name in FILES if "train" in name]
    assert [(each["pairs"], each["mode"]) for each in uploads] == [(3, "atomic"), (4, "atomic")]
    resolved = [path for path, _ in pairs.seen if "/resolve/" in path]
    assert resolved == [
        f"/datasets/org/pairs/resolve/{COMMIT}/{each['filename']}" for each in uploads
    ]
    again = fetch(client, dataset, repo_id="org/pairs", split="train")
    assert again["result"] == job["result"]


def test_the_token_goes_to_the_hub_only(client: TestClient, pairs: Hub) -> None:
    with serving(FILES) as elsewhere:
        name = f"/resolve/{COMMIT}/data/test.jsonl.gz"
        pairs.moved = {f"/datasets/org/pairs{name}": f"{elsewhere.url}{name}"}
        job = fetch(client, new_dataset(client), repo_id="org/pairs", split="test")
        assert job["error"]["code"] == "url_not_allowed"
        assert elsewhere.seen == []
    assert {token for _, token in pairs.seen} == {"Bearer hf_secret"}


def test_a_redirect_that_the_operator_allows_gets_no_token(
    client: TestClient, pairs: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(FILES) as elsewhere:
        allowed = Settings(import_hosts=elsewhere.url.removeprefix("http://"))
        monkeypatch.setattr(public_urls, "settings", allowed)
        name = f"/resolve/{COMMIT}/data/test.jsonl.gz"
        pairs.moved = {f"/datasets/org/pairs{name}": f"{elsewhere.url}{name}"}
        job = fetch(client, new_dataset(client), repo_id="org/pairs", split="test")
        assert job["state"] == "succeeded"
        assert [token for _, token in elsewhere.seen] == [None]


def test_a_url_becomes_an_upload_where_it_is_allowed(
    client: TestClient, pairs: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_urls, "settings", Settings(import_hosts="127.0.0.1"))
    dataset = new_dataset(client)
    url = f"{pairs.url}/x/resolve/{COMMIT}/data/test.jsonl.gz?token=x"
    job = fetch(client, dataset, url=url)
    assert job["state"] == "succeeded"
    (upload,) = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"]
    assert (upload["filename"], upload["size"]) == (
        "test.jsonl.gz",
        len(FILES["data/test.jsonl.gz"]),
    )
    assert pairs.seen[-1][1] is None
    missing = fetch(client, dataset, url=f"{pairs.url}/missing")
    assert missing["error"]["code"] == "not_fetched"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"repo_id": "org/other"}, "hub_refused"),
        ({"repo_id": "org/pairs", "split": "validation"}, "no_data_files"),
        ({"repo_id": "org/pairs", "config": "other"}, "no_data_files"),
    ],
)
def test_what_the_hub_does_not_have_fails_the_job(
    client: TestClient, pairs: Hub, body: dict[str, str], code: str
) -> None:
    job = fetch(client, new_dataset(client), **body)
    assert (job["state"], job["error"]["code"]) == ("failed", code)


def test_a_hub_that_does_not_answer_fails_the_job(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Settings(HF_ENDPOINT="http://127.0.0.1:9")  # pyright: ignore[reportCallIssue]
    monkeypatch.setattr(hub, "settings", nowhere)
    job = fetch(client, new_dataset(client), repo_id="org/pairs")
    assert job["error"]["code"] == "hub_unreachable"


@pytest.mark.parametrize(
    "body",
    [
        {"repo_id": "../../etc"}, {"repo_id": "/etc"}, {"repo_id": "a/b/c"}, {"repo_id": "a\0"},
        {"repo_id": "http://x/y"}, {"repo_id": "org/pairs", "revision": "../x"},
        {"repo_id": "org/pairs", "split": "a/../b"}, {}, {"repo_id": "a/b", "url": "http://x"},
        {"repo_id": "org/pairs", "script": "loader.py"}, {"repo_id": "a/b", "layout": "nope"},
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_at_once(client: TestClient, body: dict[str, str]) -> None:
    refused = client.post(f"/api/v1/datasets/{new_dataset(client)}/imports", json=body)
    assert refused.status_code == 422


def test_a_download_that_breaks_leaves_nothing(
    client: TestClient, pairs: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Settings(HF_ENDPOINT=pairs.url, max_upload_bytes=10)  # pyright: ignore[reportCallIssue]
    monkeypatch.setattr(fetching, "settings", small)
    file_system, folder = files.path_of(files.INCOMING)
    before = len(file_system.ls(folder)) if file_system.exists(folder) else 0
    job = fetch(client, new_dataset(client), repo_id="org/pairs", split="test")
    assert job["error"]["code"] == "upload_too_large"
    assert len(file_system.ls(folder)) == before


CARD = [
    {"config_name": "harmless", "default": True, "data_files": [
        {"split": "train", "path": "harmless/a.json"}, {"split": "test", "path": ["harmless/b*"]}]},
    {"config_name": "helpful", "data_files": "helpful/*.jsonl"},
]  # fmt: skip
NAMES = ["harmless/a.json", "harmless/b1.csv", "harmless/b2.txt", "helpful/c.jsonl",
         "helpful/d.jsonl", "dataset_infos.json"]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "split", "found"),
    [
        (None, None, ["harmless/a.json", "harmless/b1.csv"]),
        (None, "test", ["harmless/b1.csv"]),
        ("helpful", None, ["helpful/c.jsonl", "helpful/d.jsonl"]),
        ("helpful", "train", ["helpful/c.jsonl", "helpful/d.jsonl"]),
    ],
)
def test_the_card_says_what_a_configuration_holds(
    config: str | None, split: str | None, found: list[str]
) -> None:
    assert chosen(NAMES, CARD, config, split) == found


def test_without_a_card_names_say_it() -> None:
    assert chosen(NAMES, [], None, None) == ["helpful/c.jsonl", "helpful/d.jsonl"]
    names = ["data/train-0.parquet", "data/test-0.parquet", "train_extra/0.jsonl", "x/train.jsonl"]
    assert chosen(names, [], None, "train") == ["data/train-0.parquet", "x/train.jsonl"]
    assert chosen(names, [], "x", None) == ["x/train.jsonl"]


def test_a_configuration_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(Invalid) as error:
        chosen(NAMES, CARD, "other", None)
    assert "harmless, helpful" in str(error.value)
    assert httpx.URL(hub.file_url("org/pairs", "a b.jsonl", COMMIT)).path.endswith("a b.jsonl")
