"""A user's spreadsheet is read, and any record written as a table says the same labels again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats import FORMATS, Record, RowError, recognise
from service.formats.record import Annotator, Comparison, Rating, Response
from service.reading.rows import read_rows
from service.tables.labels import Outcome
from service.writing import write_rows
from tests.service.formats.meaning import judged
from tests.service.formats.test_conformance import FULL, TEXTS, pair, read, rows_of
from tests.service.reading.test_reading import read as rows_in

ANN = Annotator("ann")


def records_in(content: bytes) -> list[Record]:
    rows = [row.value for row in rows_in(content) if not isinstance(row.value, RowError)]
    found = recognise(rows)
    assert found is not None
    return [record for row in rows for record in found[0].read_all(row)]


def test_chosen_and_rejected_with_an_annotator() -> None:
    content = b"prompt;chosen;rejected;annotator;strength\nHi;Hello;No;ann;2\nHi;Hello;No;;\n"
    first, second = records_in(content)
    assert first.responses == (Response("chosen", "Hello"), Response("rejected", "No"))
    assert first.comparisons == (
        Comparison(ANN, a="chosen", b="rejected", outcome=Outcome.a, strength=2.0),
    )
    assert second.comparisons[0].annotator is None


def test_ratings() -> None:
    content = b"prompt,response,rating,annotator,week\nHi,Hello,4.5,ann,12\nHi,Yo,,ann,12\n"
    rated, unrated = records_in(content)
    assert rated.ratings == (Rating(ANN, value=4.5, response="response"),)
    assert rated.extra == {"week": "12"}
    assert unrated.ratings == ()  # missing, and never 0
    assert unrated.responses == (Response("response", "Yo"),)


@pytest.mark.parametrize(
    ("winner", "outcome"),
    [("A", "a"), ("b", "b"), ("Tie", "tie"), ("tie (bothbad)", "both_bad"), ("model_b", "b")],
)
def test_winners(winner: str, outcome: str) -> None:
    content = f"prompt\tresponse_a\tresponse_b\twinner\nHi\tHello\tNo\t{winner}\n"
    [record] = records_in(content.encode())
    assert record.comparisons == (Comparison(a="a", b="b", outcome=Outcome(outcome)),)


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ({"prompt": "p", "chosen": "x", "rejected": "x"}, "chosen_equals_rejected", "rejected"),
        ({"prompt": "p", "chosen": "x"}, "missing_field", "rejected"),
        ({"prompt": "p", "response": "x", "rating": "good"}, "wrong_type", "rating"),
        ({"prompt": "p", "response": "x", "rating": "NaN"}, "not_finite", "rating"),
        ({"prompt": "p", "winner": "c"}, "wrong_type", "winner"),
        ({"prompt": "p", "response_a": "x", "winner": "a"}, "unknown_response", "b"),
        ({"response": "x", "rating": 1}, "missing_field", "prompt"),
        ({"kind": "ranking", "prompt": "p"}, "missing_field", "tiers"),
        ({"kind": "record", "prompt": "p", "responses": "x"}, "wrong_type", "responses"),
    ],
)
def test_a_wrong_row_names_its_column(row: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(RowError) as error:
        FORMATS["csv"].read(row)
    assert (error.value.code, error.value.field) == (code, field)


@pytest.mark.parametrize("layout", ["csv", "native"])
@pytest.mark.parametrize("name", ["out.csv", "out.tsv.gz"])
def test_every_label_of_every_layout_comes_back_from_a_file(
    tmp_path: Path, layout: str, name: str
) -> None:
    records = [record for each in FORMATS.values() for record in read(each, rows_of(each.name))]
    records.append(FULL)
    rows = [row for record in records for row in FORMATS[layout].write(record)]
    write_rows(tmp_path / name, rows, name)
    again = records_in((tmp_path / name).read_bytes())
    assert judged(again) == judged(records)
    if layout == "native":
        assert [record.responses for record in again] == [record.responses for record in records]
        assert [record.gold for record in again] == [record.gold for record in records]


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(["out.csv", "out.tsv"]))
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, prompt: str, chosen: str, rejected: str, name: str
) -> None:
    record = pair(chosen, rejected, prompt, note="[1]", number=1)
    path = tmp_path_factory.mktemp("csv") / name
    write_rows(path, FORMATS["csv"].write(record), name)
    with path.open("rb") as file:
        [row] = read_rows(file, path.stat().st_size, 1 << 20)
    assert not isinstance(row.value, RowError)
    assert FORMATS["csv"].read(row.value) == record
