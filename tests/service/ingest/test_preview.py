import gzip
import io
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import files
from service.tables.datasets import Upload
from tests.service.intake.uploading import ingested, new_dataset, post, rejects, trl


def look(client: TestClient, content: bytes, **options: Any) -> Any:
    """The answer to a dry run, which stores nothing."""
    answer = post(client, new_dataset(client, options.pop("name", "d")), content,
                  dry_run="true", **options)  # fmt: skip
    file_system, folder = files.path_of(files.INCOMING)
    assert not file_system.exists(folder) or file_system.ls(folder) == []
    return answer


def lines(*rows: dict[str, Any]) -> bytes:
    return b"\n".join(map(orjson.dumps, rows))


ROW = {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}


def test_a_preview_says_how_a_file_would_be_read(client: TestClient, session: Session) -> None:
    answer = look(client, lines(*[{**ROW, "n": n} for n in range(9)], {"prompt": 1}))
    assert answer.status_code == 200
    found = answer.json()
    assert (found["layout"], found["columns"]) == (
        "trl_preference", ["prompt", "chosen", "rejected", "n"]
    )  # fmt: skip
    assert 0 < found["confidence"] <= 1
    assert found["candidates"][0]["layout"] == "trl_preference"
    assert found["mapping"] == {name: name for name in ROW}
    assert (found["rows"], found["accepted"], found["rejected"]) == (10, 9, 1)
    assert found["complete"] is True
    assert len(found["records"]) == 5
    record = found["records"][0]
    assert record["messages"][0]["content"] == "2 + 2?"
    assert [response["text"] for response in record["responses"]] == ["4", "5"]
    (reject,) = found["rejects"]
    assert (reject["line"], reject["raw"]) == (10, '{"prompt":1}')
    assert reject["code"]
    assert session.scalar(select(func.count()).select_from(Upload)) == 0


@pytest.mark.usefixtures("rung")
def test_a_mapping_corrects_what_is_not_recognised(client: TestClient) -> None:
    theirs = {"question": "2 + 2?", "good": "4", "bad": "5", "prompt": "an id"}
    content = lines(*[theirs] * 2)
    unknown = look(client, content).json()
    assert (unknown["layout"], unknown["rejected"]) == (None, 2)
    assert unknown["columns"] == list(theirs)
    mapping = {"prompt": "question", "chosen": "good", "rejected": "bad"}
    given = {"mapping": orjson.dumps(mapping).decode()}
    found = look(client, content, name="e", **given).json()
    assert (found["layout"], found["mapping"]) == ("trl_preference", mapping)
    assert (found["accepted"], found["rejected"]) == (2, 0)
    upload = ingested(client, new_dataset(client, "f"), content, **given)
    assert (upload["accepted"], upload["pairs"], upload["mapping"]) == (2, 2, mapping)


def test_the_layout_may_be_named(client: TestClient) -> None:
    found = look(client, lines(ROW), layout="hh").json()
    assert (found["layout"], found["rejected"]) == ("hh", 1)
    refused = look(client, lines(ROW), layout="nope", name="e")
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_layout")


@pytest.mark.parametrize("mapping", ["x", "[]", '{"prompt": 1}', '{"a": {"b": "c"}}'])
def test_a_mapping_that_is_none_is_refused(client: TestClient, mapping: str) -> None:
    refused = look(client, lines(ROW), mapping=mapping)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


@pytest.mark.usefixtures("rung")
def test_a_preview_and_an_ingest_refuse_the_same_lines(client: TestClient) -> None:
    bad = [b"[" * 100_000, b'{"prompt": NaN}', b"5", b'{"prompt": "x"}', b"\xff",
           lines({**ROW, "chosen": "5"})]  # fmt: skip
    content = b"\n".join([lines(ROW), *bad, lines(ROW)])
    found = look(client, content).json()
    upload = ingested(client, new_dataset(client), content)
    taken = rejects(client, upload)
    named = ("line", "field", "code", "message")
    assert [[r[n] for n in named] for r in found["rejects"]] == [
        [r[n] for n in named] for r in taken
    ]
    assert (found["accepted"], found["rejected"]) == (upload["accepted"], upload["rejected"])


def test_a_preview_looks_at_the_first_rows_only(client: TestClient) -> None:
    found = look(client, gzip.compress(trl(5000))).json()
    assert (found["rows"], found["complete"]) == (1000, False)
    assert len(look(client, trl(2), name="e").json()["records"]) == 2


def test_a_table_is_previewed_too(client: TestClient) -> None:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([ROW] * 3), file)
    assert look(client, file.getvalue()).json()["accepted"] == 3


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"PAR1 and then nothing", 422, "unreadable_file"),
        (gzip.compress(b"x" * 100_000)[:50], 422, "unreadable_file"),
        (b"PK\x03\x04 an archive", 415, "unsupported_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(
    client: TestClient, content: bytes, status: int, code: str
) -> None:
    refused = look(client, content)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_an_empty_file_has_no_layout(client: TestClient) -> None:
    found = look(client, b"").json()
    assert (found["layout"], found["rows"], found["candidates"]) == (None, 0, [])
