"""Public data goes into the trainers' layouts and comes back with the same labels."""

import gzip
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from service.formats import FORMATS, Record, RowError
from service.formats.record import Comparison, Response
from service.tables.labels import Outcome
from tests.service.formats.meaning import judged

pytestmark = pytest.mark.realdata
PREFERENCE = {0: Outcome.tie, 1: Outcome.a, 2: Outcome.b}


@pytest.fixture(scope="module")
def dialogues(data: Path) -> list[Record]:
    content = gzip.decompress((data / "hh_harmless" / "test.jsonl.gz").read_bytes())
    return [FORMATS["hh"].read(orjson.loads(line)) for line in content.splitlines()]


@pytest.fixture(scope="module")
def questions(data: Path) -> list[Record]:
    content = gzip.decompress((data / "qa_feedback" / "dev_feedback.json.gz").read_bytes())
    return [question(row) for row in orjson.loads(content)]


def question(row: dict[str, Any]) -> Record:
    """Four answers; the preferences are about (1,2) (1,3) (1,4) (2,3) (2,4) (3,4)."""
    ids = ["1", "2", "3", "4"]
    labels = zip(combinations(ids, 2), row["preference"], strict=True)
    return Record(
        [{"role": "user", "content": row["question"]}],
        [Response(id, row[f"prediction {id}"]) for id in ids],
        [Comparison(a=a, b=b, outcome=PREFERENCE[said]) for (a, b), said in labels],
    )


def returned(name: str, records: Sequence[Record]) -> Iterator[tuple[Record, list[Record]]]:
    """Each record that the layout can say, and what its rows say, as JSON."""
    for record in records:
        try:
            rows = orjson.loads(orjson.dumps(FORMATS[name].write(record)))
        except RowError as error:
            if error.code != "not_expressible":
                raise
        else:
            yield record, [FORMATS[name].read(row) for row in rows]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("trl_preference", 2312),
        ("openrlhf", 2312),
        ("nemo_rl", 2312),
        ("llamafactory", 2307),  # in five pairs an answer is several messages
        ("axolotl", 2307),
    ],
)
def test_dialogues_keep_their_labels(name: str, count: int, dialogues: list[Record]) -> None:
    found = list(returned(name, dialogues))
    assert len(found) == count
    for record, again in found:
        assert judged(again) == judged([record])


@pytest.mark.parametrize("name", ["native", "nemo_rl"])
def test_ties_and_decisions_keep_their_labels(name: str, questions: list[Record]) -> None:
    found = list(returned(name, questions))
    assert len(found) == 500
    for record, again in found:
        assert judged(again) == judged([record])
    outcomes = [label.outcome for _, again in found for each in again for label in each.comparisons]
    assert (len(outcomes), outcomes.count(Outcome.tie)) == (3000, 384)


@pytest.mark.parametrize("name", ["trl_preference", "llamafactory", "axolotl", "openrlhf"])
def test_decisions_keep_their_labels(name: str, questions: list[Record]) -> None:
    one_each = [
        replace(record, comparisons=[label], responses=compared(record, label))
        for record in questions
        for label in record.comparisons
        if label.outcome is not Outcome.tie
    ]
    found = list(returned(name, one_each))
    assert len(found) == 2616
    for record, again in found:
        assert judged(again) == judged([record])


def compared(record: Record, label: Comparison) -> list[Response]:
    return [response for response in record.responses if response.id in (label.a, label.b)]
