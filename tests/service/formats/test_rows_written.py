"""Rows that layouts write are their own, unknown columns stay, wrong values are named."""

from typing import Any

import orjson
import pytest

from service.formats import FORMATS, Format, RowError, recognise
from tests.service.formats.meaning import meaning
from tests.service.formats.test_conformance import read, rows_of, written

# Layouts of labels as annotators gave them: all that they read, they write.
ANNOTATED = [
    "argilla", "arena", "chat", "label_studio", "oasst", "ranked", "ratings", "ultrafeedback",
    "ultrafeedback_binarized",
]  # fmt: skip
UNKNOWN = {"season": "spring", "notes": [{"a": None}], "gap": None}
NO_COLUMNS = ("sparse_feedback",)  # a table without names of columns


@pytest.mark.parametrize("name", ANNOTATED)
def test_what_a_layout_writes_is_recognised_and_says_every_label(name: str) -> None:
    layout = FORMATS[name]
    for record in read(layout, rows_of(name)):
        rows = orjson.loads(orjson.dumps(layout.write(record)))
        found = recognise(rows)
        assert found is not None
        assert found[0].name == name, rows
        assert meaning(read(layout, rows)) == meaning([record])


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - NO_COLUMNS))
def test_an_unknown_column_survives(name: str) -> None:
    layout = FORMATS[name]
    rows = [row for row in rows_of(name) if layout.group(row) is None]  # no parts of a record
    for row in rows:
        for record in layout.read_all(row | UNKNOWN):
            assert unknown_in(record.extra) == UNKNOWN
            for again in read(layout, written(layout, record) or []):
                assert unknown_in(again.extra) == UNKNOWN


def unknown_in(extra: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in extra.items() if name in UNKNOWN}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("wrong", [7, True, "x", [], {}, [7], [[]], {"a": 7}, [None], None])
def test_a_wrong_value_is_taken_or_refused_with_its_field(name: str, wrong: Any) -> None:
    layout = FORMATS[name]
    refused = [
        error
        for row in rows_of(name)
        for key in row
        if (error := refusal(layout, row | {key: wrong})) is not None
    ]
    assert [error.message for error in refused if not error.field] == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_without_one_of_its_columns_is_taken_or_refused_with_its_field(name: str) -> None:
    layout = FORMATS[name]
    for row in rows_of(name):
        for key in row:
            rest = {other: value for other, value in row.items() if other != key}
            error = refusal(layout, rest)
            assert error is None or error.field, (key, error.message)


def refusal(layout: Format, row: dict[str, Any]) -> RowError | None:
    try:
        layout.read_all(row)
    except RowError as error:
        return error
    return None
