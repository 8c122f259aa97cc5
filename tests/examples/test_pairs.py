"""The shipped example data are what examples/README.md says."""

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.formats import FORMATS
from service.formats.format import Format
from service.ingest.judging import Decision, decide

EXAMPLES = Path(__file__).parents[2] / "examples"
PAIRS = EXAMPLES / "pairs.jsonl"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PAIRS.read_text("utf-8").splitlines()]


def native() -> Format:
    return FORMATS["native"]


def decided(rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Decision]]:
    for row in rows:
        for decision in decide(native().read(row)):
            yield row, decision


def wrong(row: dict[str, Any], decision: Decision) -> bool | None:
    """Whether the votes contradict `gold`; None where it does not say."""
    gold = row.get("gold", {"better": [], "worse": []})
    known = {decision.chosen, decision.rejected}
    if not (known & set(gold["better"]) and known & set(gold["worse"])):
        return None
    return decision.rejected in gold["better"]


def test_the_generator_writes_exactly_the_shipped_file() -> None:
    spec = importlib.util.spec_from_file_location("writer", EXAMPLES / "write_examples.py")
    assert spec
    assert spec.loader
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    composed = [json.dumps(made, ensure_ascii=False) + "\n" for made in writer.compose()]
    assert "".join(composed) == PAIRS.read_text("utf-8")


def test_every_line_is_a_native_record_and_survives_a_round_trip(
    rows: list[dict[str, Any]],
) -> None:
    assert native().recognise(rows) == 1.0
    for row in rows:
        record = native().read(row)
        assert [native().read(row) for row in native().write(record)] == [record]


def test_the_counts_of_the_readme_are_those_of_the_file(rows: list[dict[str, Any]]) -> None:
    pairs = [*decided(rows)]
    truth = [wrong(row, decision) for row, decision in pairs]
    outcomes = Counter(label["outcome"] for row in rows for label in row["comparisons"])
    texts = [{each["id"]: each["text"] for each in row["responses"]} for row, _ in pairs]
    longer = [
        len(text[decision.chosen]) > len(text[decision.rejected])
        for text, (_, decision) in zip(texts, pairs, strict=True)
    ]
    roles = [[message["role"] for message in row["messages"]] for row in rows]
    found = [
        len(rows), len({json.dumps(row["messages"]) for row in rows}), outcomes.total(),
        (outcomes["tie"], outcomes["both_bad"]), len(pairs), len(truth) - truth.count(None),
        truth.count(True), sum(decision.votes > 1 for _, decision in pairs),
        sum(decision.agreement < 1 for _, decision in pairs), sum(longer),
        (sum("assistant" in each for each in roles), sum("system" in each for each in roles)),
    ]  # fmt: skip
    said = re.findall(r"^\| \S.* \| ([\d, ]+) \|$", (EXAMPLES / "README.md").read_text(), re.M)
    assert said == [
        ", ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in found
    ]


def test_there_is_enough_to_learn_from_and_enough_that_is_wrong(
    rows: list[dict[str, Any]],
) -> None:
    pairs = [*decided(rows)]
    truth = [wrong(row, decision) for row, decision in pairs]
    assert 250 <= len(pairs) <= 400
    assert len({json.dumps(row["messages"]) for row, _ in pairs}) >= 150
    assert 0.15 <= truth.count(True) / (truth.count(True) + truth.count(False)) <= 0.2
    assert any(each["text"] == "" for row in rows for each in row["responses"])
