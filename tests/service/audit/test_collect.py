"""Which pairs a file asks about, how they lie, and what counts as a vote."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from curation.audit.questions import UNKNOWN
from service.audit.collect import Collector, Place

PROMPT = [{"role": "user", "content": "Why?"}]


def record(**labels: Any) -> dict[str, Any]:
    responses = [{"id": name, "text": f"Because {name}."} for name in ("x", "y", "z")]
    return {"id": "r", "messages": PROMPT, "responses": responses, **labels}


def compared(a: str, b: str, outcome: str, who: str, **more: Any) -> dict[str, Any]:
    return {"a": a, "b": b, "outcome": outcome, "annotator": who, **more}


def collect(tmp_path: Path, *rows: dict[str, Any]) -> Collector:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    collector = Collector()
    collector.file(path, "in.jsonl", "native")
    assert not collector.collected.rejects
    return collector


def test_a_pair_lies_as_it_was_first_named_and_later_votes_are_turned(tmp_path: Path) -> None:
    votes = [compared("y", "x", "a", "one"), compared("x", "y", "b", "two", shown="ab")]
    found = collect(tmp_path, record(comparisons=votes))
    assert found.collected.places == [Place("in.jsonl", 1, "r", "y", "x")]
    questions = found.questions()
    assert (questions.labels.tolist(), questions.n_labels.tolist()) == ([0], [2])
    assert questions.votes.votes.said.tolist() == [0, 0]
    assert questions.votes.first.tolist() == [0, -1]


def test_split_votes_are_a_tie_and_both_bad_is_its_own_label(tmp_path: Path) -> None:
    split = [compared("x", "y", "a", "one"), compared("x", "y", "b", "two")]
    bad = [compared("x", "y", "both_bad", "one")]
    found = collect(tmp_path, record(comparisons=split), record(comparisons=bad)).questions()
    assert found.labels.tolist() == [2, 3]
    assert not found.decided.any()


def test_rankings_and_ratings_lie_as_the_responses_do_whoever_wins(tmp_path: Path) -> None:
    ranked = record(rankings=[{"tiers": [["z"], ["x", "y"]], "annotator": "one"}])
    rated = record(
        ratings=[
            {"response": "x", "value": 2, "annotator": "one"},
            {"response": "y", "value": 5, "annotator": "one"},
            {"response": "z", "value": 9, "annotator": "two"},
        ]
    )
    found = collect(tmp_path, ranked, rated)
    ends = [(place.line, place.a, place.b) for place in found.collected.places]
    assert sorted(ends) == [(1, "x", "y"), (1, "x", "z"), (1, "y", "z"), (2, "x", "y")]
    labels = dict(zip(ends, found.questions().labels.tolist(), strict=True))
    assert labels == {(1, "x", "y"): 2, (1, "x", "z"): 1, (1, "y", "z"): 1, (2, "x", "y"): 1}
    assert list(found.questions().votes.names) == ["one / rankings", "one / ratings"]


def test_verified_answers_are_no_votes(tmp_path: Path) -> None:
    gold = {"better": ["x"], "worse": ["y"], "basis": "checked"}
    checked = compared("x", "y", "a", "checker", annotator_kind="rule")
    votes = [compared("x", "y", "a", "one"), checked]
    questions = collect(tmp_path, record(gold=gold, comparisons=votes)).questions()
    assert questions.truth.tolist() == [0]
    assert list(questions.votes.names) == ["one"]
    other = collect(tmp_path, record(comparisons=votes)).questions()
    assert other.truth.tolist() == [UNKNOWN]
    assert len(other.votes.votes) == 2


def test_reward_scores_are_annotators(tmp_path: Path) -> None:
    row = record(comparisons=[compared("x", "y", "a", "one")])
    for response, score in zip(row["responses"], (0.1, 0.7, 0.7), strict=True):
        response["scores"] = {"rm": score}
    questions = collect(tmp_path, row).questions()
    assert list(questions.votes.kinds) == ["human", "score"]
    assert questions.votes.votes.said.tolist() == [0, 1]


def test_identical_lines_keep_a_row_each(tmp_path: Path) -> None:
    row = record(comparisons=[compared("x", "y", "a", "one")])
    found = collect(tmp_path, row, row, row)
    assert [place.line for place in found.collected.places] == [1, 2, 3]
    assert len(np.unique(found.questions().a)) == 1
