"""Files -> the pairs that their labels decide, every judgment of them, and what is verified."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from curation.audit.questions import BOTH_BAD, UNKNOWN, Ballots, Questions
from curation.consensus.votes import TIE, A, B, Votes
from curation.text import render
from service.config import settings
from service.formats import FORMATS
from service.formats.record import Comparison, Label, Record, Response, RowError
from service.ingest.taking import recognised
from service.reading.json_lines import Row
from service.reading.rows import read_rows

CODES = {"a": A, "b": B, "tie": TIE, "both_bad": BOTH_BAD}
UNNAMED = "(unnamed)"
PROTOCOLS = ("comparison", "ranking", "rating")  # the label is the first one that speaks


class Place(NamedTuple):
    """Where a pair stands in the input."""

    file: str
    line: int
    record_id: str
    a: str
    b: str


class Judgment(NamedTuple):
    """Of the pair `(a, b)` as it was first named: A, B, TIE or BOTH_BAD."""

    voter: tuple[str, str]  # name and kind
    said: int
    first: int  # +1 a was shown first, −1 b, 0 unknown
    protocol: str
    overall: bool
    strength: float


class Reject(NamedTuple):
    file: str
    line: int
    code: str
    message: str


@dataclass
class Collected:
    """`places`, one a pair; `rejects`: file, line, code, message."""

    places: list[Place] = field(default_factory=list[Place])
    rejects: list[Reject] = field(default_factory=list[Reject])
    layouts: dict[str, str] = field(default_factory=dict[str, str])
    records: int = 0


class Collector:
    """Takes records one by one; `questions` makes columns of them."""

    def __init__(self) -> None:
        self.collected = Collected()
        self.voters: dict[tuple[str, str], int] = {}
        self.ballots: list[tuple[int, int, int, int, float]] = []
        self.labels: list[tuple[int, int, bool]] = []  # label, of how many, compared
        self.truth: list[int] = []
        self.texts: list[tuple[str, str, str]] = []
        self.prompts: dict[Hashable, int] = {}
        self.responses: dict[Hashable, int] = {}
        self.ends: list[tuple[int, int, int]] = []  # prompt, a, b
        self.textual = True

    def file(self, path: Path, name: str, layout: str | None) -> None:
        with path.open("rb") as source:
            for row, records in read(source, path.stat().st_size, layout, self, name):
                for record in records:
                    self.record(record, name, row.line)

    def record(self, record: Record, file: str, line: int) -> None:
        number = self.collected.records
        self.collected.records += 1
        judged: dict[tuple[str, str], list[Judgment]] = defaultdict(list)
        order = {response.id: at for at, response in enumerate(record.responses)}
        for (a, b), judgment in judgments(record):
            implied = judgment.protocol != "comparison" and (a, b) not in judged
            if (b, a) in judged or (implied and order[b] < order[a]):
                a, b, judgment = b, a, turned(judgment)
            judged[a, b].append(judgment)
        if not judged:
            return
        by_id = {response.id: response for response in record.responses}
        prompt = render(record.messages)
        for (a, b), found in judged.items():
            item = len(self.collected.places)
            id = record.record_id if record.record_id is not None else str(line)
            self.collected.places.append(Place(file, line, id, a, b))
            self.labels.append(
                (*label_of(found), any(each.protocol == "comparison" for each in found))
            )
            self.truth.append(verified(record, a, b))
            self.textual = self.textual and is_text(by_id[a]) and is_text(by_id[b])
            self.texts.append((prompt, text_of(by_id[a]), text_of(by_id[b])))
            self.ends.append(self.end(number, record, prompt, by_id[a], by_id[b]))
            for judgment in found:
                self.vote(item, judgment)
            for name, sign in scored(by_id[a], by_id[b]):
                self.vote(item, Judgment((name, "score"), sign, 0, "score", True, 0.0))

    def end(
        self, number: int, record: Record, prompt: str, a: Response, b: Response
    ) -> tuple[int, int, int]:
        """Prompts and responses that say the same are one, on whichever line they stand."""
        textual = record.modality == "text" and is_text(a) and is_text(b)
        asked: Hashable = prompt if textual else number
        group = self.prompts.setdefault(asked, len(self.prompts))
        keys = [(group, text_of(each) if textual else each.id) for each in (a, b)]
        one, other = (self.responses.setdefault(key, len(self.responses)) for key in keys)
        return group, one, other

    def vote(self, item: int, judgment: Judgment) -> None:
        name, kind = judgment.voter
        if kind == "rule" and self.truth[item] != UNKNOWN:
            return  # the verified answer in the shape of a vote
        voter = self.voters.setdefault((name, kind), len(self.voters))
        said = TIE if judgment.said == BOTH_BAD else judgment.said
        self.ballots.append((item, voter, said, judgment.first, judgment.strength))

    def questions(self) -> Questions:
        columns = np.array(self.ballots, np.float64).reshape(-1, 5).T
        items, voters, said = (column.astype(np.int64) for column in columns[:3])
        n = len(self.collected.places)
        votes = Votes(items, voters, said, n, len(self.voters))
        labels = np.array(self.labels, np.int64).reshape(-1, 3)
        ends = np.array(self.ends, np.int64).reshape(-1, 3)
        ballots = Ballots(
            votes, columns[3], [name for name, _ in self.voters],
            [kind for _, kind in self.voters], columns[4],
        )  # fmt: skip
        return Questions(
            labels[:, 0], labels[:, 1], ends[:, 0], ends[:, 1], ends[:, 2],
            np.array(self.truth, np.int64), ballots, labels[:, 2] > 0,
            self.texts if self.textual and n else None,
        )  # fmt: skip


def read(
    source: BinaryIO, size: int, layout: str | None, collector: Collector, name: str
) -> Iterator[tuple[Row, Sequence[Record]]]:
    """Each line that can be read, as records; the others are rejects."""
    found, rows = recognised(read_rows(source, size, settings.max_line_bytes), layout)
    if found is not None:
        collector.collected.layouts[name] = found.name
        found = FORMATS[found.name]
    for row in rows:
        value = row.value
        if not isinstance(value, RowError) and found is not None:
            try:
                yield row, found.read_all(value)
                continue
            except RowError as error:
                value = error
        assert isinstance(value, RowError)
        collector.collected.rejects.append(Reject(name, row.line, value.code, value.message))


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
    voter, overall = (" / ".join(parts), kind), label.aspect is None
    return Judgment(voter, said, first, protocol, overall, strength)


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
        spoken = [each for each in found if each.protocol == protocol]
        spoken = [each for each in spoken if each.overall] or spoken
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


def scored(a: Response, b: Response) -> Iterator[tuple[str, int]]:
    """Reward scores are annotators, too."""
    for name in sorted(set(a.scores or {}) & set(b.scores or {})):
        one, other = (a.scores or {})[name], (b.scores or {})[name]
        yield name, TIE if one == other else (A if one > other else B)


def is_text(response: Response) -> bool:
    return response.uri is None


def text_of(response: Response) -> str:
    return response.text if response.text is not None else render(response.messages or [])
