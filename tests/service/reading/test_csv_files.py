"""CSV and TSV give cells, and name the rows that are damaged."""

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid
from service.formats.fields import Cell
from service.reading.csv_files import delimiter_of
from tests.service.reading.test_reading import codes, read, zstd

TABLE = 'prompt,chosen,rejected\n"2 + 2?\nquick","4, of ""course""",5\nHi,Hello,\n'


@pytest.mark.parametrize("delimiter", list(",\t;|"))
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_the_delimiter_is_found(delimiter: str, pack: Any) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(csv.reader(io.StringIO(TABLE)))
    found = read(pack(b"\xef\xbb\xbf" + file.getvalue().encode()))
    assert codes(found) == [
        {"prompt": "2 + 2?\nquick", "chosen": '4, of "course"', "rejected": "5"},
        {"prompt": "Hi", "chosen": "Hello"},  # an empty cell is missing
    ]
    assert [row.line for row in found] == [1, 2]
    assert all(isinstance(cell, Cell) for row in codes(found) for cell in row.values())


def test_without_a_header_the_columns_are_numbers() -> None:
    content = b'"Name a colour, please.",nan,red,7\nName a city,nan,Rome,5\n'
    assert codes(read(content))[1] == {"0": "Name a city", "1": "nan", "2": "Rome", "3": "5"}


def test_a_column_without_a_name_has_its_number() -> None:
    assert codes(read(b",prompt,chosen\n0,p,c\n")) == [{"0": "0", "prompt": "p", "chosen": "c"}]


def test_rows_without_text_are_no_rows() -> None:
    assert [row.line for row in read(b"a,b\n\n1x,2x\n,\n\r\n3x,4x")] == [1, 2]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'x,"y"z', "not_csv"),
        (b"x", "wrong_columns"),
        (b"x,y,z", "wrong_columns"),
        (b"caf\xe9,y", "not_utf8"),
        (b"\xed\xa0\x80,y", "not_utf8"),
        (b"a\0b,y", "nul_character"),
        (b"x\ry,z", "not_csv"),
        (b"x," + b"y" * 3_000_000, "line_too_long"),
        (b'x,"' + b"y\n" * 1_000_000 + b'"', "line_too_long"),
    ],
)
def test_a_bad_row_is_named(bad: bytes, code: str) -> None:
    rows = read(b"p,q\n1a,2a\n3a,4a\n" + bad + b"\n5a,6a\n")
    assert codes(rows)[:3] == [{"p": "1a", "q": "2a"}, {"p": "3a", "q": "4a"}, code]
    assert rows[2].line == 3
    if code != "line_too_long":
        assert rows[2].raw == bad
        assert codes(rows)[3:] == [{"p": "5a", "q": "6a"}]


def test_a_quote_that_never_closes_is_a_bad_row() -> None:
    assert codes(read(b'p,q\n1a,2a\nx,"y\nz,w')) == [{"p": "1a", "q": "2a"}, "not_csv"]


def test_nul_can_be_replaced() -> None:
    assert codes(read(b"p,q\n1a,a\0b\n", on_nul="replace")) == [{"p": "1a", "q": "a\ufffdb"}]


def test_two_columns_with_one_name_are_no_header() -> None:
    assert codes(read(b"p,p\na,b\n")) == [{"0": "p", "1": "p"}, {"0": "a", "1": "b"}]


def test_a_million_columns_are_too_many() -> None:
    with pytest.raises(Invalid) as error:
        read(b",".join(b"c%d" % i for i in range(100_000)) + b"\n", max_line=1 << 24)
    assert error.value.code == "too_many_fields"


@pytest.mark.parametrize(
    "content",
    [b"hello, world", b"one line\nand another\n", b'not json,\n{"a": 1}\n', b"", b"x,y\n1"],
)
def test_other_text_is_no_table(content: bytes) -> None:
    assert delimiter_of(content, whole=True) is None or content == b"x,y\n1"


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6), st.sampled_from(",\t;|"))
def test_what_the_csv_module_writes_is_read(rows: list[tuple[str, ...]], delimiter: str) -> None:
    names = ("prompt", "chosen", "rejected")
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows(rows)
    given = [{n: c for n, c in zip(names, row, strict=True) if c} for row in rows if any(row)]
    assert codes(read(file.getvalue().encode())) == given
