"""A small example of each row of the table of layouts that users expect."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from service.formats import FORMATS, recognise
from tests.service.formats.test_conformance import read

TABLE = [
    orjson.loads(line)
    for line in (Path(__file__).parent / "layout_table.jsonl").read_bytes().splitlines()
]
assert TABLE


@pytest.mark.parametrize(
    ("layout", "row"),
    [(each["layout"], each["row"]) for each in TABLE],
    ids=[each["what"] for each in TABLE],
)
def test_an_example_of_the_table_is_recognised_and_read(layout: str, row: dict[str, Any]) -> None:
    found = recognise([row])
    assert found is not None
    assert found[0].name == layout
    records = read(FORMATS[layout], [row])
    assert all(record.messages for record in records)


def test_the_table_has_every_layout_of_labels() -> None:
    """Published sets have their own files; these are the layouts that tools and trainers write."""
    named = {each["layout"] for each in TABLE}
    assert named >= {
        "trl_preference", "hh", "trl_unpaired", "trl_stepwise", "ultrafeedback",
        "ultrafeedback_binarized", "ranked", "nemo_rl", "arena", "ratings", "oasst", "chat",
        "llamafactory", "axolotl", "openrlhf", "image_pairs", "imagereward", "label_studio",
        "argilla", "native", "csv",
    }  # fmt: skip
