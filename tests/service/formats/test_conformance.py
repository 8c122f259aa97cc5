"""What every layout promises, checked for each one found.

`rows/<layout>.jsonl` holds rows of the layout as its own documentation shows them.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from service.formats import FORMATS, Format, Record, RowError, recognise
from service.formats.fields import Cell
from service.formats.record import (
    Annotator,
    Comparison,
    Feedback,
    Ranking,
    Rating,
    Response,
)
from service.ingest.gathering import gathered
from service.labels.records import load_records
from service.reading.json_lines import Row
from service.tables.labels import Outcome
from tests.service.formats.meaning import judged, meaning
from tests.service.intake.uploading import ingested, new_dataset

ROWS = Path(__file__).parent / "rows"
PAIRED = [
    "axolotl", "csv", "hh", "llamafactory", "native", "nemo_rl", "openrlhf", "trl_preference",
]  # layouts that hold a pair of texts  # fmt: skip
FLAT = [
    *PAIRED,
    "image_pairs",
    "label_studio_min",
    "trl_stepwise",
    "trl_unpaired",
]  # their rows fit in a table
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def pair(chosen: str, rejected: str, prompt: str = "Hi", **extra: Any) -> Record:
    return Record(
        [{"role": "user", "content": prompt}],
        (Response("chosen", chosen), Response("rejected", rejected)),
        (Comparison(a="chosen", b="rejected", outcome=Outcome.a),),
        extra=extra,
    )


FULL = Record(
    [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "5"}],
    (
        Response("r0", "4", model="m", scores={"rm": 0.5}),
        Response("r1", "5"),
        Response("r2", messages=[{"role": "assistant", "content": "well"}] * 2),
        Response("r3", uri="images/1.png"),
    ),
    (
        Comparison(Annotator("ann"), "truth", "because", "r0", "r1", Outcome.a, 2.0, "ba"),
        Comparison(Annotator("gpt", "model"), a="r0", b="r2", outcome=Outcome.both_bad),
        Comparison(a="r1", b="r2", outcome=Outcome.tie),
    ),
    (
        Rating(Annotator("ann"), "help", None, 4.0, "r0", None, (1.0, 5.0)),
        Rating(value=1.0, turn=1, scale=(0.0, 1.0)),
    ),
    (Ranking(Annotator("rule", "rule"), tiers=[["r2"], ["r0", "r1"]]),),
    (Feedback(turn=1, kind="explicit", label="DSAT", text="no"),),
    record_id="7",
    gold={"better": ["r0"], "worse": ["r1"]},
    extra={"metadata": {"source": "x"}, "other": [1]},
)


def rows_of(name: str) -> list[dict[str, Any]]:
    rows = [orjson.loads(line) for line in (ROWS / f"{name}.jsonl").read_bytes().splitlines()]
    assert rows
    return rows


def read(layout: Format, rows: Sequence[dict[str, Any]]) -> list[Record]:
    given = (Row(line, row, b"") for line, row in enumerate(rows, start=1))
    found = [row.value for row in gathered(given, layout)]
    return [
        record for row in found if not isinstance(row, RowError) for record in layout.read_all(row)
    ]


def written(layout: Format, record: Record) -> list[dict[str, Any]] | None:
    """None where the layout can't say what the record holds."""
    try:
        return layout.write(record)
    except RowError as error:
        if error.code != "not_expressible":
            raise
        return None


@pytest.mark.parametrize("name", FORMATS)
def test_the_rows_of_a_layout_are_recognised_as_its_own(name: str) -> None:
    found = recognise(rows_of(name))
    assert found is not None
    assert found[0].name == name
    for row in rows_of(name):
        alone = recognise([row])
        assert alone is not None
        assert alone[0].name == name, row


@pytest.mark.parametrize("name", FORMATS)
def test_a_layout_says_everything_that_it_was_given(name: str) -> None:
    layout = FORMATS[name]
    for record in read(layout, rows_of(name)):
        rows = written(layout, record)
        if rows is not None:  # a published set is written as native
            assert meaning(read(layout, rows)) == meaning([record]), rows
            assert all(again.extra == record.extra for again in read(layout, rows))


@pytest.mark.parametrize("name", FORMATS)
def test_the_native_record_says_everything_that_any_layout_says(name: str) -> None:
    native = FORMATS["native"]
    records = read(FORMATS[name], rows_of(name))
    assert read(native, [row for record in records for row in native.write(record)]) == records


@pytest.mark.usefixtures("rung")
@pytest.mark.parametrize("name", FORMATS)
def test_what_was_uploaded_comes_back_from_the_tables(
    name: str, client: TestClient, session: Session
) -> None:
    dataset, rows = new_dataset(client), rows_of(name)
    content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    upload = ingested(client, dataset, content)
    assert upload["layout"] == name
    assert upload["rejected"] == 0
    stored = [found.record for found in load_records(session, uuid.UUID(dataset))]
    assert stored == read(FORMATS[name], rows)


@pytest.mark.parametrize("name", FLAT)
def test_the_cells_of_a_csv_file_say_the_same(name: str) -> None:
    table = [
        {key: cell(value) for key, value in row.items() if value is not None}
        for row in rows_of(name)
    ]
    assert recognise(table) is not None
    for cells, row in zip(table, rows_of(name), strict=True):
        assert meaning(read(FORMATS[name], [cells])) == meaning(read(FORMATS[name], [row]))


def cell(value: Any) -> Cell:
    return Cell(value if isinstance(value, str) else orjson.dumps(value).decode())


@pytest.mark.parametrize("name", FORMATS)
def test_a_layout_keeps_or_refuses_each_label_of_another(name: str) -> None:
    records = [
        record
        for other in FORMATS.values()
        for record in read(other, rows_of(other.name))
        if any((record.comparisons, record.ratings, record.rankings, record.feedback))
    ]
    for record in [*records, FULL]:
        rows = written(FORMATS[name], record)
        if rows is not None:
            assert judged(read(FORMATS[name], rows)) == judged([record]), rows


@pytest.mark.parametrize("name", PAIRED)
@given(prompt=TEXTS, chosen=TEXTS, rejected=TEXTS)
def test_a_pair_survives_writing_and_reading(
    name: str, prompt: str, chosen: str, rejected: str
) -> None:
    if chosen == rejected or (name == "hh" and "\n\nHuman:" in prompt + chosen + rejected):
        return
    if name == "hh" and "\n\nAssistant:" in prompt + chosen + rejected:
        return
    layout, record = FORMATS[name], pair(chosen, rejected, prompt)
    [again] = [layout.read(row) for row in layout.write(record)]
    assert list(again.messages) == list(record.messages)
    assert [response.content() for response in again.responses] == [
        response.content() for response in record.responses
    ]
    assert [label.outcome for label in again.comparisons] == [Outcome.a]


def test_a_table_says_every_label_in_rows_of_their_own() -> None:
    table = FORMATS["csv"]
    assert judged(read(table, table.write(FULL))) == judged([FULL])


def test_the_native_record_keeps_every_label() -> None:
    native = FORMATS["native"]
    assert [native.read(row) for row in native.write(FULL)] == [FULL]


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"native", "csv"}))
def test_a_layout_refuses_what_it_cannot_say(name: str) -> None:
    with pytest.raises(RowError) as error:
        FORMATS[name].write(FULL)
    assert error.value.code == "not_expressible"


@pytest.mark.parametrize("name", PAIRED)
def test_unknown_columns_are_kept(name: str) -> None:
    layout = FORMATS[name]
    row = layout.write(pair("yes", "no"))[0] | {"margin": 2}
    assert layout.read(row).extra == {"margin": 2}


@pytest.mark.parametrize("name", PAIRED)
def test_a_layout_recognises_its_own_rows(name: str) -> None:
    found = recognise(FORMATS[name].write(pair("yes", "no")))
    assert found is not None
    assert found[0].name == name


def test_nothing_is_recognised_in_other_rows() -> None:
    assert recognise([{"instruction": "x", "output": "y"}]) is None


@pytest.mark.parametrize(
    ("row", "prompt", "chosen"),
    [
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, "p", "c"),
        ({"chosen": "the sky is blue", "rejected": "the sky is red"}, "the sky is", " blue"),
        (
            {
                "chosen": [{"role": "human", "content": "p"}, {"role": "gpt", "content": "c"}],
                "rejected": [{"role": "human", "content": "p"}, {"role": "gpt", "content": "r"}],
            },
            "p",
            "c",
        ),
        (
            {
                "prompt": [{"role": "user", "content": "p"}],
                "chosen": [{"role": "assistant", "content": "c"}],
                "rejected": [{"role": "assistant", "content": "r"}],
            },
            "p",
            "c",
        ),
    ],
)
def test_trl_rows_in_all_forms(row: dict[str, Any], prompt: str, chosen: str) -> None:
    record = FORMATS["trl_preference"].read(row)
    assert [message["content"] for message in record.messages] == [prompt]
    assert record.responses[0].text == chosen


@pytest.mark.parametrize(
    ("layout", "row", "code", "field"),
    [
        ("trl_preference", {"prompt": "p", "chosen": "c"}, "missing_field", "rejected"),
        ("trl_preference", {"chosen": "c", "rejected": "c"}, "chosen_equals_rejected", "rejected"),
        ("trl_preference", {"chosen": 1, "rejected": "c"}, "wrong_type", "chosen"),
        ("hh", {"chosen": "hello", "rejected": "\n\nHuman: x"}, "not_a_transcript", "chosen"),
        ("native", {"messages": "x"}, "wrong_type", "messages"),
        (
            "native",
            {"messages": [], "responses": [{"text": "x"}], "comparisons": [{"a": "r0"}]},
            "missing_field",
            "outcome",
        ),
        (
            "native",
            {"messages": [], "ratings": [{"value": "NaN"}]},
            "not_finite",
            "ratings[0].value",
        ),
        (
            "native",
            {"messages": [], "rankings": [{"tiers": [["r9"]]}]},
            "unknown_response",
            "rankings[0].tiers",
        ),
    ],
)
def test_a_wrong_row_names_its_field(
    layout: str, row: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(RowError) as error:
        FORMATS[layout].read(row)
    assert (error.value.code, error.value.field) == (code, field)
