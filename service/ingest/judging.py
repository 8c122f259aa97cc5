"""Records as the labels that pair policies read; which pairs a record of an ingest decides."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from curation.pairing.labels import Candidate, Judged, Outcome, Vote
from curation.pairing.majority import Majority
from service.formats.record import Comparison, Record, Response

MAJORITY = Majority()


class Decision(NamedTuple):
    """Response ids of the record; the rest is what the table of pairs holds."""

    chosen: str
    rejected: str
    votes: int
    agreement: float
    margin: float | None = None
    soft_label: float | None = None


def decide(record: Record) -> list[Decision]:
    """The majority of the record's comparisons, one decision a pair of responses that has one.

    In order of first mention. Responses that say the same are no pair.
    """
    contents = {response.id: said(response) for response in record.responses}
    if len(record.comparisons) == 1:  # most records of most files
        return lone_decision(record.comparisons[0], contents)
    if not record.comparisons:
        return []
    candidates = {id: Candidate(content) for id, content in contents.items()}
    judged = Judged("", candidates, [vote(label) for label in record.comparisons])
    return [Decision(*pair[:-1]) for pair in MAJORITY.build(judged).pairs]


def lone_decision(label: Comparison, contents: dict[str, tuple[Any, ...]]) -> list[Decision]:
    """What `Majority` says of a single vote, without its bookkeeping."""
    if contents[label.a] == contents[label.b]:
        return []
    if label.outcome == "a":
        return [Decision(label.a, label.b, 1, 1.0, label.strength, 1.0)]
    if label.outcome == "b":
        return [Decision(label.b, label.a, 1, 1.0, label.strength, 1.0)]
    return []


def said(response: Response) -> tuple[Any, ...]:
    return response.content()


def vote(label: Comparison) -> Vote:
    who = None if label.annotator is None else annotator_name(label.annotator)
    outcome: Outcome = label.outcome.value
    return Vote(label.a, label.b, outcome, who, label.aspect, label.strength)


def annotator_name(annotator: Sequence[str]) -> str:
    """Of a human and a model of one name, two annotators."""
    return "\0".join(annotator)
