"""LLMBar's votes of 65 judges in both orders, and oasst's ranks, as objectives take them."""

import gzip
from pathlib import Path

import orjson
import pytest

from service.export.contests import contests, flip_rate
from service.formats import FORMATS
from service.formats.record import Record
from service.trainers import LAYOUTS
from tests.service.trainers.pairs import rows

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def judged(data: Path) -> list[Record]:
    content = gzip.decompress((data / "llmbar" / "natural_neighbor.jsonl.gz").read_bytes())
    return [FORMATS["native"].read(orjson.loads(line)) for line in content.splitlines()]


def test_every_vote_of_llmbar_is_in_a_row(judged: list[Record]) -> None:
    found = rows(LAYOUTS["reward_votes"].model_validate({"ties": True}), judged)
    assert len(found) == 234
    voted = sum(len(each["annotator_ids"]) for each in found)
    given = [each for record in judged for each in record.comparisons if each.aspect is None]
    assert voted == len([each for each in given if each.annotator is not None])
    assert {each["gold"] for each in found} == {True, False}
    assert all(0.5 <= each["soft_label"] <= 1 for each in found)


@pytest.mark.parametrize(
    ("judge", "consistent"), [("GPT-4", 0.940), ("ChatGPT", 0.714), ("Falcon", 0.466)]
)
def test_flip_rates_are_those_known_of_the_judges(
    judged: list[Record], judge: str, consistent: float
) -> None:
    names = {
        each.annotator.name for record in judged for each in record.comparisons if each.annotator
    }
    [name] = [each for each in names if each == f"{judge}/Vanilla"]
    flips: list[float] = []
    for record in judged:
        for found in contests(record):
            own = [
                each for each in found.comparisons if each.annotator and each.annotator.name == name
            ]
            if (flipped := flip_rate(own)) is not None:
                flips.append(flipped)
    assert 1 - sum(flips) / len(flips) == pytest.approx(consistent, abs=0.0006)


def test_personal_rows_of_llmbar_say_what_each_judge_said(judged: list[Record]) -> None:
    found = rows(LAYOUTS["personal"](), judged)
    assert len({row["annotator_id"] for row in found}) == 65
    assert {row["group"] for row in found} == {"model"}
    assert max(len(row["history_pair_ids"]) for row in found) == 8


def test_a_judge_dialogue_each_order_of_llmbar(judged: list[Record]) -> None:
    found = rows(LAYOUTS["judge"](), judged)
    assert len(found) == 2 * 234
    for ab, ba in zip(found[::2], found[1::2], strict=True):
        assert {ab["verdict"], ba["verdict"]} in ({"A", "B"}, {"C"})


def test_ties_of_qa_feedback_are_verdicts_and_no_pairs(data: Path) -> None:
    """2,616 decided and 384 ties of 3,000 comparisons."""
    content = gzip.decompress((data / "qa_feedback" / "dev_feedback.json.gz").read_bytes())
    records = [FORMATS["qa_feedback"].read(row) for row in orjson.loads(content)]
    assert len(rows(LAYOUTS["reward_votes"](), records)) == 2616
    verdicts = [row["verdict"] for row in rows(LAYOUTS["judge"](), records)]
    counts = {verdict: verdicts.count(verdict) for verdict in "ABC"}
    assert counts == {"A": 2616, "B": 2616, "C": 2 * 384}
