"""Which pairs a record decides: the majority of its comparisons of two responses."""

from collections import defaultdict
from typing import Any, NamedTuple

from service.formats.record import Comparison, Record
from service.tables.labels import Outcome


class Decision(NamedTuple):
    """Response ids of the record; `agreement` is the share of all votes that say so, (0, 1]."""

    chosen: str
    rejected: str
    votes: int
    agreement: float


def decide(record: Record) -> list[Decision]:
    """One decision per unordered pair of responses that has one, in order of first mention.

    Only overall judgments vote: those without an aspect, or all where every one has an aspect.
    A side wins with more votes than the other; ties and "both bad" count as votes for neither,
    and an equal split decides nothing. Responses that say the same are no pair.
    """
    contents = {response.id: response.content() for response in record.responses}
    if len(record.comparisons) == 1:  # most records of most files
        return lone_decision(record.comparisons[0], contents)
    overall = [label for label in record.comparisons if label.aspect is None]
    votes: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for label in overall or record.comparisons:
        first_mention = (label.b, label.a) in votes
        key = (label.b, label.a) if first_mention else (label.a, label.b)
        winner = {Outcome.a: label.a, Outcome.b: label.b}.get(label.outcome, "")
        votes[key][winner] += 1
    decisions: list[Decision] = []
    for (a, b), counted in votes.items():
        total = sum(counted.values())
        for_a, for_b = counted.get(a, 0), counted.get(b, 0)
        if for_a == for_b or contents[a] == contents[b]:
            continue
        chosen, rejected, won = (a, b, for_a) if for_a > for_b else (b, a, for_b)
        decisions.append(Decision(chosen, rejected, total, won / total))
    return decisions


def lone_decision(label: Comparison, contents: dict[str, tuple[Any, ...]]) -> list[Decision]:
    """The decision of the only comparison of a record."""
    if label.outcome not in (Outcome.a, Outcome.b) or contents[label.a] == contents[label.b]:
        return []
    if label.outcome is Outcome.a:
        return [Decision(label.a, label.b, 1, 1.0)]
    return [Decision(label.b, label.a, 1, 1.0)]
