"""Every kind of file goes in over REST; what is no data is refused with its code."""

import gzip
import io
import pickle
from typing import Any

import orjson
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from tests.service.intake.uploading import counts, ingested, new_dataset, rejects
from tests.service.reading.test_arrow_files import arrow
from tests.service.reading.test_reading import zstd

pytestmark = pytest.mark.usefixtures("rung")
PAIRS = [{"prompt": f"p{i}", "chosen": f"good {i}", "rejected": "bad"} for i in range(3)]
CSV = "prompt,chosen,rejected\n" + "".join(f"p{i},good {i},bad\n" for i in range(3))


@pytest.mark.parametrize(
    "content",
    [
        orjson.dumps(PAIRS),
        orjson.dumps(PAIRS, option=orjson.OPT_INDENT_2),
        orjson.dumps({"data": PAIRS}),
        orjson.dumps({row["prompt"]: row for row in PAIRS}),
        CSV.encode(),
        CSV.replace(",", "\t").encode("utf-8-sig"),
        arrow(pa.Table.from_pylist(PAIRS), stream=False),
        arrow(pa.Table.from_pylist(PAIRS), stream=True),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_the_same_pairs_come_from_every_kind(client: TestClient, content: bytes, pack: Any) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, pack(content))
    assert upload["layout"] == "trl_preference"
    assert counts(upload) == (3, 3, 0, 3)
    pairs = client.get(f"/api/v1/datasets/{dataset}/pairs").json()["items"]
    assert [pair["source"]["line"] for pair in pairs] == [1, 2, 3]
    assert [pair["prompt"][0]["content"] for pair in pairs] == ["p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (CSV.encode("utf-16"), 422, "not_utf8"),
        (orjson.dumps(PAIRS).decode().encode("utf-16-le"), 422, "not_utf8"),
        (pickle.dumps(PAIRS), 415, "unsupported_file"),
        (gzip.compress(pickle.dumps(PAIRS, 0)), 415, "unsupported_file"),
        (b"<!DOCTYPE html><html></html>", 415, "unsupported_file"),
        (arrow(pa.Table.from_pylist(PAIRS), stream=True)[:-40], 422, "unreadable_file"),
        (b"name,colour\nx,y\n", 422, "unknown_layout"),
    ],
)
def test_what_is_no_data_is_refused(
    client: TestClient, content: bytes, status: int, code: str
) -> None:
    upload = ingested(client, new_dataset(client), content)
    error = upload["job"]["error"]
    assert (upload["job"]["state"], error["status"], error["code"]) == ("failed", status, code)


def test_a_latin_1_cell_is_the_reject_of_its_row(client: TestClient) -> None:
    upload = ingested(client, new_dataset(client), CSV.replace("good 1", "café").encode("latin-1"))
    assert counts(upload) == (3, 2, 1, 2)
    [reject] = rejects(client, upload)
    assert (reject["line"], reject["code"]) == (2, "not_utf8")
    assert "byte 6" in reject["message"]


def test_compressed_buffers_that_need_gigabytes_are_too_large(client: TestClient) -> None:
    column = pa.array(["x" * (64 << 20)])
    table = pa.table({f"column {index}": column for index in range(40)})
    file = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(file, table.schema, options=options) as writer:
        writer.write_table(table)
    upload = ingested(client, new_dataset(client), file.getvalue())
    error = upload["job"]["error"]
    assert (error["status"], error["code"]) == (413, "decoded_too_large")


def test_a_table_is_previewed_with_its_columns_mapped(client: TestClient) -> None:
    content = b"Question;Better;Worse;week\nHi;Hello;No;12\nHi;Hello;Yo;13\n"
    mapping = orjson.dumps({"prompt": "Question", "chosen": "Better", "rejected": "Worse"}).decode()
    dataset = new_dataset(client)
    options = {"mapping": mapping, "dry_run": True}
    shown = client.post(f"/api/v1/datasets/{dataset}/uploads", content=content, params=options)
    assert shown.status_code == 200, shown.text
    assert shown.json()["layout"] == "trl_preference"
    assert '"week":"12"' in shown.text.replace(" ", "")
    assert counts(ingested(client, dataset, content, mapping=mapping)) == (2, 2, 0, 2)
