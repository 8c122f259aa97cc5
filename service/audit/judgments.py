"""A record's labels as judgments of two responses, whichever protocol they came by."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from curation.audit.questions import BOTH_BAD, UNKNOWN, Voice
from curation.consensus.votes import TIE, A, B
from curation.text import render
from service.formats.record import Comparison, Label, Record, Response

CODES = {"a": A, "b": B, "tie": TIE, "both_bad": BOTH_BAD}
UNNAMED = "(unnamed)"
PROTOCOLS = ("comparison", "ranking", "rating")  # the label is the first one that speaks


class Judgment(NamedTuple):
    """Of the pair `(a, b)` as it was first named: A, B, TIE or BOTH_BAD."""

    voter: tuple[str, str]  # name and kind
    said: int
    first: int  # +1 a was shown first, −1 b, 0 unknown
    voice: Voice
    strength: float


def judgments(record: Record) -> Iterator[tuple[tuple[str, str], Judgment]]:
    """Every judgment of two responses of a record, by the pair as it was named."""
    for label in record.comparisons:
        first = {"ab": 1, "ba": -1}.get(label.shown or "", 0)
        said = CODES[label.outcome.value]
        yield (label.a, label.b), judgment(label, "comparison", said, first, strength(label))
    for ranking in record.rankings:
        for high, low in combinations(range(len(ranking.tiers)), 2):
            for a in ranking.tiers[high]:
                for b in ranking.tiers[low]:
                    yield (a, b), judgment(ranking, "ranking", A)
        for tier in ranking.tiers:
            for a, b in combinations(tier, 2):
                yield (a, b), judgment(ranking, "ranking", TIE)
    yield from rated(record)


def rated(record: Record) -> Iterator[tuple[tuple[str, str], Judgment]]:
    """Two responses that one annotator rated on one aspect; a missing rating is missing."""
    given: dict[tuple[object, str | None], dict[str, tuple[float, Label]]] = defaultdict(dict)
    for label in record.ratings:
        if label.response is not None and label.turn is None:
            given[label.annotator, label.aspect].setdefault(label.response, (label.value, label))
    for values in given.values():
        for (a, (one, label)), (b, (other, _)) in combinations(values.items(), 2):
            said = TIE if one == other else (A if one > other else B)
            yield (a, b), judgment(label, "rating", said)


def judgment(
    label: Label, protocol: str, said: int, first: int = 0, strength: float = 0.0
) -> Judgment:
    name, kind = label.annotator or (UNNAMED, "unnamed")
    parts = [name, *([label.aspect] if label.aspect else []), *protocol_suffix(protocol)]
    voice = Voice(name, label.aspect, protocol)
    return Judgment((" / ".join(parts), kind), said, first, voice, strength)


def protocol_suffix(protocol: str) -> list[str]:
    """Who compares and rates is two annotators: the protocols disagree more than people do."""
    return [] if protocol == "comparison" else [f"{protocol}s"]


def strength(label: Comparison) -> float:
    return label.strength or 0.0


def turned(judgment: Judgment) -> Judgment:
    said = {A: B, B: A}.get(judgment.said, judgment.said)
    return judgment._replace(said=said, first=-judgment.first)


def label_of(found: Iterable[Judgment]) -> tuple[int, int]:
    """The majority of the first protocol that speaks, a tie where it is split; and of how many."""
    found = list(found)
    for protocol in PROTOCOLS:
        spoken = [each for each in found if each.voice.protocol == protocol]
        spoken = [each for each in spoken if each.voice.aspect is None] or spoken
        if spoken:
            counts = Counter(each.said for each in spoken).most_common(2)
            split = len(counts) > 1 and counts[0][1] == counts[1][1]
            return (TIE if split else counts[0][0]), len(spoken)
    raise ValueError("a pair without a judgment")


def verified(record: Record, a: str, b: str) -> int:
    gold = record.gold or {}
    better, worse = set(gold.get("better", ())), set(gold.get("worse", ()))
    if a in better and b in worse:
        return A
    return B if b in better and a in worse else UNKNOWN


def is_text(response: Response) -> bool:
    return response.uri is None


def text_of(response: Response) -> str:
    return response.text if response.text is not None else render(response.messages or [])
