"""Each file of the public data goes in as it was published, and comes out in three layouts."""

import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from msgspec.structs import replace
from sqlalchemy.orm import Session

from service.export.verify import verify
from service.formats import FORMATS, Record, RowError, recognise
from service.formats.record import Annotator, Feedback
from service.labels.records import load_records
from service.reading.rows import read_rows
from service.tables.labels import Outcome
from service.trainers import LAYOUTS
from service.writing import write_rows
from tests.service.export.exporting import exported
from tests.service.formats.meaning import judged
from tests.service.formats.published import SETS, Published
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.realdata
MAX_LINE = 32 << 20
# Of larger sets the first rows go through the database; PREFSIFT_WHOLE_SETS=1: all of them.
WHOLE = os.environ.get("PREFSIFT_WHOLE_SETS") == "1"
MOST_ROWS, MOST_LABELS = 800, 6000

EACH = pytest.mark.parametrize("found", SETS, ids=lambda found: found.path)


@cache
def rows_in(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        rows = [row.value for row in read_rows(file, path.stat().st_size, MAX_LINE)]
    assert not any(isinstance(row, RowError) for row in rows)
    return [row for row in rows if not isinstance(row, RowError)]


@cache
def records_in(path: Path, layout: str) -> list[Record]:
    """The records of a file, which is recognised as this layout."""
    rows = rows_in(path)
    found = recognise(rows[:100])
    assert found is not None
    assert found[0].name == layout
    return [record for row in rows for record in found[0].read_all(row)]


def labels(records: list[Record]) -> tuple[int, int, int, int]:
    kinds = ("comparisons", "ratings", "rankings", "feedback")
    counts = [sum(len(getattr(record, kind)) for record in records) for kind in kinds]
    return counts[0], counts[1], counts[2], counts[3]


@EACH
def test_every_row_and_label_is_counted(data: Path, found: Published) -> None:
    rows = rows_in(data / found.path)
    records = records_in(data / found.path, found.layout)
    assert (len(rows), len(records)) == (found.rows, found.records or found.rows)
    assert labels(records) == found[3:7]


@EACH
@pytest.mark.usefixtures("rung")
def test_a_set_goes_in_and_comes_out_in_three_layouts(
    data: Path, found: Published, client: TestClient, session: Session, tmp_path: Path
) -> None:
    dataset = new_dataset(client)
    content, rows = part_of(data / found.path, found)
    upload = ingested(client, dataset, content)
    assert (upload["layout"], upload["rows_in"]) == (found.layout, rows)
    assert upload["rejected"] == 0
    stored = [each.record for each in load_records(session, uuid.UUID(dataset))]
    records = records_in(data / found.path, found.layout)[: (found.records or 0) or rows]
    assert stored == records
    query = {"where": "votes >= 1 AND chosen.length >= 0", "limit": 5}
    answer = client.get(f"/api/v1/datasets/{dataset}/pairs", params=query)
    assert answer.status_code == 200, answer.text
    own = "ranked" if found.layout == "oasst" else found.layout  # a path in a tree is no tree
    third = "label_studio" if found.layout == "native" else own
    for layout, asked in ((third, rows_named(third)), ("native", "native"), ("csv", "format:csv")):
        out = tmp_path / asked.replace(":", "_")
        left = exported(client, f"datasets/{dataset}", out, layout=asked, test_fraction=0)
        assert left["state"] == "ready", left["job"]["error"]
        assert verify(out) == []
        again = records_in(out / "data" / "train.jsonl", layout)
        assert judged(again) == judged(records), layout
        if layout in (found.layout, "native"):
            assert again == records, layout


def part_of(path: Path, found: Published) -> tuple[bytes, int]:
    """The file itself, or lines of its first rows; and how many rows."""
    most = min(MOST_ROWS, found.rows * MOST_LABELS // max(sum(found[3:7]), 1))
    if WHOLE or found.rows <= most or ".csv" in path.name:
        return path.read_bytes(), found.rows
    return b"\n".join(map(orjson.dumps, rows_in(path)[:most])), most


def rows_named(layout: str) -> str:
    """Its export with every label, where a trainer's layout has the name."""
    return f"format:{layout}" if layout in LAYOUTS and layout != "native" else layout


def test_qa_feedback_is_decided_and_tied_as_counted(data: Path) -> None:
    records = records_in(data / "qa_feedback/dev_feedback.json.gz", "qa_feedback")
    outcomes = Counter(label.outcome for record in records for label in record.comparisons)
    assert outcomes == {Outcome.a: 1577, Outcome.b: 1039, Outcome.tie: 384}
    # Which of 1 and 2 is the better one shows in how few triples fit no order.
    triples = [triple for record in records for triple in triples_of(record)]
    assert len(triples) == 2000
    assert sum(not fits_an_order(triple) for triple in triples) == 29  # 1.45 %
    spans = [span for record in records for span in record.extra["span_feedback"]["errors"]]
    assert len(spans) == 1373
    assert all(record.extra["reference"] for record in records)


def triples_of(record: Record) -> Iterator[tuple[int, int, int]]:
    """(1 > 2, 1 > 3, 2 > 3) of each three answers: 1, -1 or 0 for a tie."""
    sign = {Outcome.a: 1, Outcome.b: -1, Outcome.tie: 0}
    said = {(label.a, label.b): sign[label.outcome] for label in record.comparisons}
    for a, b, c in combinations([response.id for response in record.responses], 3):
        yield said[a, b], said[a, c], said[b, c]


def fits_an_order(triple: tuple[int, int, int]) -> bool:
    def sign(x: int, y: int) -> int:
        return (x < y) - (x > y)

    return any(
        (sign(a, b), sign(a, c), sign(b, c)) == triple for a, b, c in product(range(3), repeat=3)
    )


def test_labels_made_in_place_join_the_trees_by_their_ids(data: Path, tmp_path: Path) -> None:
    given = orjson.loads((data / "oasst/insitu_labels.json").read_bytes())["labels"]
    assert Counter(given.values()) == {
        "NEUTRAL": 104,
        "DSAT": 21,
        "SAT": 17,
        "REVISE": 9,
        "MIXED": 3,
    }
    reader = Annotator("reader", "model")
    records = [
        replace(
            record,
            feedback=(
                Feedback(reader, turn=len(record.messages) - 1, label=given[record.record_id]),
            ),
        )
        for record in records_in(data / "oasst/en_100_tree.jsonl.gz", "oasst")
        if record.record_id in given
    ]
    assert len(records) == 154
    assert all(record.messages[-1]["role"] == "user" for record in records)
    for layout in ("native", "csv"):
        rows = (row for record in records for row in FORMATS[layout].write(record))
        write_rows(tmp_path / layout, rows, "labels.csv")
        assert judged(records_in(tmp_path / layout, layout)) == judged(records)


def test_tia2_misses_a_label_of_133_images(data: Path) -> None:
    records = records_in(data / "tia2/human_labels_comprehensive.json.gz", "tia2")
    assert Counter(len(record.ratings) for record in records) == {3: 4867, 2: 133}
    assert {label.value for record in records for label in record.ratings} == {0.0, 1.0}
    prompts = {str(record.messages) for record in records}
    assert len(prompts) == 100
    counting = records_in(data / "tia2/human_labels_counting.json.gz", "tia2")
    assert len({str(record.messages) for record in counting}) == 150
    scored = records_in(data / "tia2/alignment_scores_comprehensive.json.gz", "tia2")
    assert {str(record.messages) for record in scored} < prompts
    assert all(0 <= record.extra["human"] <= 1 for record in scored)


def test_tifa_has_two_raters_five_models_and_nine_metrics(data: Path) -> None:
    records = records_in(data / "tifa/human_annotations_with_scores.json.gz", "tifa")
    gaps = [abs(a.value - b.value) for a, b in (record.ratings for record in records)]
    assert round(sum(gap == 0 for gap in gaps) / len(gaps), 2) == 0.55
    assert round(sum(gap >= 2 for gap in gaps) / len(gaps), 2) == 0.08
    models = Counter(record.responses[0].model for record in records)
    assert set(models.values()) == {160}
    assert len(models) == 5
    assert {len(record.responses[0].scores or {}) for record in records} == {10}


def test_ab_redial_scores_dialogues_and_turns(data: Path) -> None:
    records = records_in(data / "ab_redial/annotated_dialogues.csv.gz", "ab_redial")
    assert len({record.record_id for record in records}) == 195
    aspects = Counter(label.aspect for record in records for label in record.ratings)
    assert set(aspects.values()) == {636}
    reasons = [label.rationale for record in records for label in record.ratings]
    assert sum(reason is not None for reason in reasons) == 636
    turns = records_in(data / "ab_redial/annotated_turns.csv.gz", "ab_redial")
    for record in turns:
        for label in record.ratings:
            assert label.turn is not None
            assert record.messages[label.turn]["role"] == "assistant"
            assert label.scale is not None
            assert label.scale[0] <= label.value <= label.scale[1]


def test_imagereward_ranks_every_image_with_ties(data: Path) -> None:
    records = records_in(data / "imagereward/test_first300.json.gz", "imagereward")
    sizes = Counter(len(record.responses) for record in records)
    assert sizes == {4: 150, 7: 85, 6: 27, 8: 26, 9: 10, 5: 2}
    tiers = [record.rankings[0].tiers for record in records]
    assert all(
        sum(map(len, each)) == len(record.responses)
        for each, record in zip(tiers, records, strict=True)
    )
    assert sum(any(len(tier) > 1 for tier in each) for each in tiers) == 206


@pytest.mark.parametrize(
    ("files", "pairs", "share"), [("sample_generation", 117, 0.5641), ("", 152, 0.52)]
)
def test_sparse_ratings_agree_with_half_of_the_comparisons(
    data: Path, files: str, pairs: int, share: float
) -> None:
    values: dict[tuple[str, str | None], float] = {}
    compared: list[Record] = []
    for found in SETS:
        if found.layout == "sparse_feedback" and files in found.path:
            for record in records_in(data / found.path, found.layout):
                compared += [record] if record.comparisons else []
                for label in record.ratings:
                    values[str(record.messages), record.responses[0].text] = label.value
    agreed = [agrees for record in compared if (agrees := agrees_with(values, record)) is not None]
    assert len(agreed) == pairs
    assert sum(agreed) / len(agreed) == pytest.approx(share, abs=0.005)


def agrees_with(values: dict[tuple[str, str | None], float], record: Record) -> bool | None:
    """Whether the ratings say what the comparison says; None where one of them is missing."""
    a, b = (values.get((str(record.messages), each.text)) for each in record.responses)
    if a is None or b is None:
        return None
    said = Outcome.tie if a == b else Outcome("a" if a > b else "b")
    return said is record.comparisons[0].outcome


def test_longer_is_better_as_often_as_counted(data: Path) -> None:
    shares: dict[str, list[bool]] = defaultdict(list)
    for found in SETS:
        if found.layout in ("hh", "hhh", "rm_bench"):
            for record in records_in(data / found.path, found.layout):
                texts = {each.id: each.text or "" for each in record.responses}
                shares[found.path] += [
                    len(texts[label.a]) > len(texts[label.b])
                    for label in record.comparisons
                    if label.a.partition("_")[2] == label.b.partition("_")[2]  # the same style
                ]
    assert [len(s) for s in shares.values()] == [2312, 221, 3 * 129, 3 * 284]
    assert {path: round(sum(s) / len(s), 2) for path, s in shares.items()} == {
        "hh_harmless/test.jsonl.gz": 0.44,
        "hhh/hhh_alignment_eval.json.gz": 0.63,
        "rm_bench/chat_filtered.json.gz": 0.28,
        "rm_bench/safety-refuse_filtered.json.gz": 0.16,
    }
