"""Files -> the pairs that their labels decide, every judgment of them, and what is verified."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from curation.audit.questions import BOTH_BAD, UNKNOWN, Ballots, Questions, Voice
from curation.audit.ratings import Ratings
from curation.consensus.votes import TIE, A, B, Votes
from curation.items import Floats
from curation.text import render
from service.audit.given import LOGPS, Rated, grounds, ratings, scores, topic
from service.audit.judgments import (
    UNNAMED,
    Judgment,
    is_text,
    judgments,
    label_of,
    text_of,
    turned,
    verified,
)
from service.config import settings
from service.errors import Invalid
from service.formats import FORMATS
from service.formats.record import Record, Response, RowError
from service.ingest.mapping import mapped
from service.ingest.taking import layout_of, recognised
from service.reading.json_lines import Row
from service.reading.rows import read_rows


class Place(NamedTuple):
    """Where a pair stands in the input."""

    file: str
    line: int
    record_id: str
    a: str
    b: str


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
    rated: list[Rated] = field(default_factory=list[Rated])


class Collector:
    """Takes records one by one; `questions` makes columns of them."""

    def __init__(self) -> None:
        self.collected = Collected()
        self.voters: dict[tuple[str, str], int] = {}
        self.voices: list[Voice] = []
        self.ballots: list[tuple[int, int, int, int, float]] = []
        self.labels: list[tuple[int, int, bool]] = []  # label, of how many, compared
        self.truth: list[int] = []
        self.texts: list[tuple[str, str, str]] = []
        self.prompts: dict[Hashable, int] = {}
        self.responses: dict[Hashable, int] = {}
        self.ends: list[tuple[int, int, int]] = []  # prompt, a, b
        self.textual = True
        self.scores: dict[str, dict[int, tuple[float, float]]] = {}
        self.topics: list[str] = []
        self.grounds: dict[str, list[str]] = {"sources": [], "reference": []}

    def file(
        self,
        path: Path,
        name: str,
        layout: str | None,
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        with path.open("rb") as source:
            rows = mapped(read_rows(source, path.stat().st_size, settings.max_line_bytes), mapping)
            for row, records in read(rows, layout, self, name):
                for record in records:
                    self.record(record, name, row.line)

    def record(self, record: Record, file: str, line: int) -> None:
        number = self.collected.records
        self.collected.records += 1
        judged: dict[tuple[str, str], list[Judgment]] = defaultdict(list)
        order = {response.id: at for at, response in enumerate(record.responses)}
        for (a, b), judgment in judgments(record):
            implied = judgment.voice.protocol != "comparison" and (a, b) not in judged
            if (b, a) in judged or (implied and order[b] < order[a]):
                a, b, judgment = b, a, turned(judgment)
            judged[a, b].append(judgment)
        self.collected.rated += ratings(record)
        if not judged:
            return
        by_id = {response.id: response for response in record.responses}
        prompt, about, held = render(record.messages), topic(record), grounds(record)
        for (a, b), found in judged.items():
            item = len(self.collected.places)
            id = record.record_id if record.record_id is not None else str(line)
            self.collected.places.append(Place(file, line, id, a, b))
            self.labels.append(
                (*label_of(found), any(each.voice.protocol == "comparison" for each in found))
            )
            self.truth.append(verified(record, a, b))
            self.textual = self.textual and is_text(by_id[a]) and is_text(by_id[b])
            self.texts.append((prompt, text_of(by_id[a]), text_of(by_id[b])))
            self.ends.append(self.end(number, record, prompt, by_id[a], by_id[b]))
            for judgment in found:
                self.vote(item, judgment)
            self.topics.append(about)
            for kind, text in held.items():
                self.grounds[kind].append(text)
            self.score(item, scores(record, by_id[a]), scores(record, by_id[b]))

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

    def score(self, item: int, a: dict[str, float], b: dict[str, float]) -> None:
        """Reward scores are annotators, too; log-probabilities are none."""
        for name in sorted(a.keys() & b.keys()):
            self.scores.setdefault(name, {})[item] = a[name], b[name]
            if name in LOGPS.values():
                continue
            said = TIE if a[name] == b[name] else (A if a[name] > b[name] else B)
            self.vote(item, Judgment((name, "score"), said, 0, Voice(name, None, "score"), 0.0))

    def vote(self, item: int, judgment: Judgment) -> None:
        name, kind = judgment.voter
        if kind == "rule" and self.truth[item] != UNKNOWN:
            return  # the verified answer in the shape of a vote
        voter = self.voters.setdefault((name, kind), len(self.voters))
        if voter == len(self.voices):
            self.voices.append(judgment.voice)
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
            [kind for _, kind in self.voters], columns[4], self.voices,
        )  # fmt: skip
        return Questions(
            labels[:, 0], labels[:, 1], ends[:, 0], ends[:, 1], ends[:, 2],
            np.array(self.truth, np.int64), ballots, labels[:, 2] > 0,
            self.texts if self.textual and n else None, self.score_columns(n),
            self.topics if any(self.topics) else None,
            {kind: texts for kind, texts in self.grounds.items() if any(texts)},
        )  # fmt: skip

    def score_columns(self, n: int) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        for name, cells in sorted(self.scores.items()):
            found[name] = np.full((n, 2), np.nan)
            found[name][list(cells)] = list(cells.values())
        return found

    def ratings(self) -> Ratings:
        """Those of responses have the numbers that the questions give to them."""
        things: dict[tuple[str, ...], int] = {}
        raters: dict[str, int] = {}
        aspects: dict[str, int] = {}
        rated = self.collected.rated
        rows = [
            (
                things.setdefault(each.thing, len(things)),
                raters.setdefault(each.voice.person, len(raters)),
                aspects.setdefault(each.voice.aspect or "", len(aspects)),
                self.responses.get((self.prompts.get(each.prompt, -1), each.response), -1),
            )
            for each in rated
        ]
        columns = np.array(rows, np.int64).reshape(-1, 4).T
        values = np.array([each.value for each in rated], np.float64)
        return Ratings(
            columns[0], columns[1], columns[2], columns[3], values,
            np.array([name != UNNAMED for name in raters], bool), list(raters), list(aspects),
        )  # fmt: skip


def read(
    rows: Iterator[Row], layout: str | None, collector: Collector, name: str
) -> Iterator[tuple[Row, Sequence[Record]]]:
    """Each line that can be read, as records; the others are rejects, and so is a file of no known
    layout."""
    said = collector.collected
    try:
        found, rows = recognised(rows, layout)
        for row in rows:
            value = row.value
            if not isinstance(value, RowError):
                found = found or layout_of([row])  # only late where the first rows can't be read
                assert found is not None
                said.layouts[name] = found.name
                try:
                    yield row, FORMATS[found.name].read_all(value)
                    continue
                except RowError as error:
                    value = error
            said.rejects.append(Reject(name, row.line, value.code, value.message))
    except Invalid as error:
        said.rejects.append(Reject(name, error.fields.get("line", 1), error.code, str(error)))
