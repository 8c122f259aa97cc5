import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.formats import FORMATS
from service.formats.record import Annotator, Record, Response
from service.ingest import normalise
from service.ingest.copying import Chunk, Part
from service.ingest.judging import decide
from service.ingest.normalise import Line, Place, add_line, add_record
from service.ingest.plain import is_plain

WHERE = Place(uuid.UUID(int=1), uuid.UUID(int=2), 3, bytes(range(32)))
PLAIN = FORMATS["trl_preference"].read({"prompt": "q", "chosen": "a", "rejected": "b"})
words = st.text(max_size=20)


def in_general(records: Sequence[Record]) -> list[Part]:
    """The rows as those of any record are made."""
    chunk = Chunk()
    for number, record in enumerate(records, 1):
        add_record(chunk, WHERE, Line(number), record, decide(record))
    return chunk.parts()


@given(st.lists(st.tuples(words, words, words).filter(lambda said: said[1] != said[2]), min_size=1))
def test_a_plain_record_becomes_the_rows_that_any_record_becomes(said: list[tuple[str, ...]]):
    names: tuple[str, ...] = ("prompt", "chosen", "rejected")
    rows: list[dict[str, Any]] = [dict(zip(names, texts, strict=True)) for texts in said]
    records = [FORMATS["trl_preference"].read(row) for row in rows]
    assert all(map(is_plain, records))
    chunk = Chunk()
    assert [add_line(chunk, WHERE, [one], n) for n, one in enumerate(records, 1)] == [1] * len(said)
    assert chunk.parts() == in_general(records)


label = PLAIN.comparisons[0]
one, two = PLAIN.responses


@pytest.mark.parametrize(
    "record",
    [
        replace(PLAIN, extra={"source": "x"}),
        replace(PLAIN, gold={"better": ["chosen"]}),
        replace(PLAIN, record_id="7"),
        replace(PLAIN, modality="image"),
        replace(PLAIN, comparisons=[]),
        replace(PLAIN, comparisons=[label, label]),
        replace(PLAIN, comparisons=[replace(label, annotator=Annotator("ann"))]),
        replace(PLAIN, comparisons=[replace(label, strength=2.0)]),
        replace(PLAIN, comparisons=[replace(label, rationale="clearer")]),
        replace(PLAIN, comparisons=[replace(label, a="rejected", b="chosen")]),
        replace(PLAIN, responses=[two, one]),
        replace(PLAIN, responses=[one, two, Response("third", "c")]),
        replace(PLAIN, responses=[one, replace(two, model="m")]),
        replace(PLAIN, responses=[one, replace(two, scores={"reward": 0.5})]),
        replace(PLAIN, responses=[one, replace(two, text=None, uri="x.png")]),
        replace(PLAIN, responses=[one, replace(two, text=one.text)]),
    ],
    ids=str,
)
def test_a_record_that_says_more_is_not_plain(record: Record):
    assert not is_plain(record)
    assert normalise.add_line(Chunk(), WHERE, [record], 1) == len(decide(record))
