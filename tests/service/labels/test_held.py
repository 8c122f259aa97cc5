from pathlib import Path

import pytest

from curation.recipes import What
from service.formats.record import Annotator, Comparison, Rating, Record, Response
from service.labels.held import of_file, of_records
from service.tables.labels import Outcome

PEOPLE, MODEL = Annotator("ann"), Annotator("gpt", "model")
RESPONSES = (Response("x", "one", model="m"), Response("y", "two", scores={"rm": 1.0}))


def test_what_a_record_holds_is_counted_by_kind() -> None:
    record = Record(
        messages=[{"role": "user", "content": "?"}],
        responses=RESPONSES,
        comparisons=[
            Comparison(annotator=who, a="x", b="y", outcome=Outcome.a) for who in (PEOPLE, MODEL)
        ],
        ratings=[
            Rating(value=1, response="x", scale=(0, 1)), Rating(value=3, response="y"),
        ],
        gold={"better": ["x"], "worse": ["y"]},
        extra={"metadata": {"language": "en"}},
    )  # fmt: skip
    found = {what: count for what, count in of_records([record]).items() if count}
    assert found == {
        What.pairs: 1, What.several_labels: 1, What.gold: 1, What.comparisons: 2, What.ratings: 1,
        What.unary: 1, What.scores: 1, What.annotators: 2, What.human_and_model: 1, What.models: 1,
        What.language: 1,
    }  # fmt: skip


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "holds"),
    [
        ("hhh/hhh_alignment_eval.json.gz", {What.pairs: 221, What.gold: 221}),
        ("oasst/en_100_tree.jsonl.gz", {What.rankings: 212, What.chat: 154, What.pairs: 0}),
        ("sparse_feedback/feedback_ratings_sample_generation.csv", {What.ratings: 99}),
    ],
)
def test_what_a_public_file_holds(data: Path, file: str, holds: dict[What, int]) -> None:
    found = of_file(data / file)
    assert {what: found[what] for what in holds} == holds
