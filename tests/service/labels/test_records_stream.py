"""What was uploaded comes out again with every label, over REST."""

from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient

from service.formats import FORMATS
from service.ingest.taking import recognised
from service.reading.rows import read_rows
from tests.service.formats.test_conformance import FULL, pair
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")


def streamed(client: TestClient, dataset: str, layout: str) -> list[dict[str, object]]:
    answer = client.get(f"/api/v1/datasets/{dataset}/records.ndjson", params={"layout": layout})
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "layouts"),
    [
        ("qa_feedback/dev_feedback.json.gz", ["native", "csv", "nemo_rl"]),
        ("oasst/en_100_tree.jsonl.gz", ["native", "csv", "ranked"]),
        ("imagereward/test_first300.json.gz", ["native", "csv"]),
    ],
)
def test_a_published_file_leaves_in_several_layouts(
    client: TestClient, data: Path, file: str, layouts: list[str]
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, (data / file).read_bytes())
    with (data / file).open("rb") as opened:
        source, rows = recognised(read_rows(opened, (data / file).stat().st_size, 1 << 25), None)
        assert source is not None
        records = [each for row in rows for each in source.read_all(row.value)]  # pyright: ignore[reportArgumentType]
    for layout in layouts:
        target = FORMATS[layout]
        out = streamed(client, dataset, layout)
        assert out == [
            orjson.loads(orjson.dumps(row)) for each in records for row in target.write(each)
        ]


def test_a_layout_that_cannot_say_a_label_is_refused(client: TestClient) -> None:
    dataset = new_dataset(client)
    native = FORMATS["native"]
    rows = [*native.write(pair("yes", "no")), *native.write(FULL)]
    ingested(client, dataset, b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert len(streamed(client, dataset, "native")) == 2
    path = f"/api/v1/datasets/{dataset}/records.ndjson"
    refused = client.get(path, params={"layout": "hh"})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_expressible")
    assert [each["line"] for each in refused.json()["errors"]] == [2]
    assert client.get(path, params={"layout": "nope"}).json()["code"] == "unknown_layout"
