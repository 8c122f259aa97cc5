"""The preflight over public data: what is known to be there is found, no other error."""

import gzip
from pathlib import Path

import orjson
import pytest

from service.export.layout import TrainerLayout, TrainingPair
from service.export.preflight import preflight
from service.formats import FORMATS
from service.formats.fields import turns_of
from service.ingest.identity import prompt_id
from service.trainers.axolotl import Axolotl
from service.trainers.trl import TrlPreference

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def pairs(data: Path) -> list[TrainingPair]:
    content = gzip.decompress((data / "hh_harmless" / "test.jsonl.gz").read_bytes())
    records = (FORMATS["hh"].read(orjson.loads(line)) for line in content.splitlines())
    return [
        TrainingPair(
            record.messages,
            *map(turns_of, record.responses),
            pair_id=str(line),
            prompt_id=prompt_id(record.messages).hex(),
        )
        for line, record in enumerate(records, start=1)
    ]


def counted(pairs: list[TrainingPair], layout: TrainerLayout) -> dict[str, tuple[str, int]]:
    report = preflight(layout, (("train", pair) for pair in pairs))
    return {found.code: (found.severity, found.count) for found in report.findings}


def test_the_empty_answers_are_found(pairs: list[TrainingPair]) -> None:
    found = counted(pairs, TrlPreference())
    assert found == {"empty_answer": ("error", 4), "roles_repeat": ("warning", 4)}


def test_axolotl_takes_one_message_an_answer(pairs: list[TrainingPair]) -> None:
    found = counted(pairs, Axolotl())
    assert found["not_expressible"] == ("error", 5)


def test_the_same_pairs_in_two_splits_are_all_leaks(pairs: list[TrainingPair]) -> None:
    rows = [(split, pair) for split in ("train", "test") for pair in pairs]
    [leak] = [each for each in preflight(TrlPreference(), rows).findings if each.code == "leak"]
    assert leak.count == len(pairs)
