"""Columns of other names: a mapping gives them ours; one is proposed by what they are called."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.formats import recognise
from service.formats.record import RowError
from service.reading.json_lines import Row

# Names that people give our columns; the first that a file has is proposed.
CALLED: Mapping[str, tuple[str, ...]] = {
    "prompt": (
        "prompt", "question", "query", "instruction", "user_prompt", "input", "user", "context",
    ),
    "chosen": (
        "chosen", "chosen_response", "response_chosen", "preferred", "preferred_response",
        "accepted", "best", "best_answer", "best_response", "better", "better_answer",
        "better_response",
        "good", "good_answer", "positive", "winning_response", "y_w",
    ),
    "rejected": (
        "rejected", "rejected_response", "response_rejected", "dispreferred", "non_preferred",
        "unpreferred", "worst", "worst_answer", "worst_response", "worse", "worse_answer",
        "worse_response", "bad", "bad_answer", "negative", "losing_response", "y_l",
    ),
    "response_a": (
        "response_a", "answer_a", "output_a", "completion_a", "response_1", "answer_1", "output_1",
        "completion_1", "response1", "answer1", "output1", "a",
    ),
    "response_b": (
        "response_b", "answer_b", "output_b", "completion_b", "response_2", "answer_2", "output_2",
        "completion_2", "response2", "answer2", "output2", "b",
    ),
    "winner": ("winner", "better", "best", "preference", "preferred", "choice", "chosen", "label"),
    "response": ("response", "answer", "output", "completion", "reply", "generation", "text"),
    "rating": ("rating", "score", "stars", "grade", "points", "overall_rating"),
    "annotator": ("annotator", "annotator_id", "rater", "rater_id", "worker_id", "labeler", "who"),
}  # fmt: skip
SHAPES = (
    ("prompt", "chosen", "rejected"),
    ("prompt", "response_a", "response_b", "winner"),
    ("prompt", "response", "rating"),
    ("chosen", "rejected"),
)


def mapped(rows: Iterator[Row], mapping: Mapping[str, str] | None) -> Iterator[Row]:
    """The rows with the columns of `mapping` ({our name: their name}) under our names."""
    if not mapping:
        return rows
    return (
        row if isinstance(row.value, RowError) else row._replace(value=renamed(row.value, mapping))
        for row in rows
    )


def renamed(row: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """A column that gives its name to another, and is not mapped itself, is left out of the way."""
    theirs = set(mapping.values())
    kept = {name: value for name, value in row.items() if name not in theirs}
    taken = {ours: row[name] for ours, name in mapping.items() if name in row}
    return {**{name: value for name, value in kept.items() if name not in taken}, **taken}


def proposed(rows: Sequence[dict[str, Any]]) -> dict[str, str] | None:
    """A mapping under which these rows of no known layout have one and can be read."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for shape in SHAPES:
        mapping = {ours: called(ours, columns) for ours in (*shape, "annotator")}
        found = {ours: theirs for ours, theirs in mapping.items() if theirs is not None}
        distinct = len(set(found.values())) == len(found)
        if found.keys() >= {*shape} and distinct and readable(rows, found):
            return found
    return None


def called(ours: str, columns: Sequence[str]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"): name for name in columns}
    return next((plain[name] for name in CALLED[ours] if name in plain), None)


def readable(rows: Sequence[dict[str, Any]], mapping: Mapping[str, str]) -> bool:
    """Whether some row has a layout so, and says something."""
    ours = [renamed(row, mapping) for row in rows]
    found = recognise(ours)
    if found is None:
        return False
    try:
        return any(record.responses for record in found[0].read_all(ours[0]))
    except RowError:
        return False
