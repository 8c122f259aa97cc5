"""Records with the labels that somebody wants to read: an overlay, or one more label a pair."""

import uuid
from collections.abc import Iterator

from msgspec.structs import replace

from curation.consensus.votes import TIE, A, B
from service.audit.judgments import judgments
from service.formats.record import Annotator, Record, Relabel
from service.ingest.identity import prompt_id
from service.review.labels import Labels, PairLabel
from service.review.places import response_ids
from service.review.verdicts import in_force, placed
from service.tables.labels import Outcome
from service.tables.reviews import Verdict

DIGITS = 8  # of the hash of what an audit found


class RecordLabels:
    """What `labels` say of the pairs of responses that a record's labels decide; `said` so far."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.state = labels.review.state
        self.verdicts = last_words(labels)
        found = (labels.review.audit.files or {})["pairs.parquet"]["sha256"]
        self.audit = f"audit {found[:DIGITS]}"  # the same of one that found the same
        self.said: list[PairLabel] = []

    def over(self, upload_id: uuid.UUID, line: int, record: Record) -> Record:
        """With the overlay beside its labels."""
        prompt = prompt_id(record.messages)
        ids = response_ids(record, prompt)
        asked = {frozenset(pair) for pair, _ in judgments(record)}
        found: list[Relabel] = []
        for pair in sorted(map(sorted, asked)):
            if len(pair) == 2 and ids[pair[0]] != ids[pair[1]]:
                one, other = (uuid.UUID(bytes=ids[name]) for name in pair)
                place = self.state.find(upload_id, line, uuid.UUID(bytes=prompt), one, other)
                if place is not None:
                    row, turned = place
                    found += self.relabels(row, *(pair[::-1] if turned else pair))
        return replace(record, overlay=tuple(found))

    def relabels(self, row: int, a: str, b: str) -> Iterator[Relabel]:
        """Of the audit's pair `row`, whose responses the record calls `a` and `b`; none where the
        raw label stands."""
        label = int(self.state.questions.labels[row])
        side = B if label == B else A
        of = self.labels
        said = of.consensus(row, side) if of.whose == "consensus" else of.denoised(row, side)
        self.said.append(said)
        if said.is_raw:
            return
        better = side if not said.flipped else {A: B, B: A}[side]
        outcome = {A: Outcome.a, B: Outcome.b, TIE: Outcome.tie}[
            TIE if said.says in ("tie", "drop") else better
        ]
        if said.says == "both_bad":
            outcome = Outcome.both_bad
        who, why = self.author(row, said)
        yield Relabel(who, None, why, a, b, outcome, p=said.p_chosen, drop=said.says == "drop")

    def author(self, row: int, said: PairLabel) -> tuple[Annotator, str | None]:
        """Who signs it, with a version, and why."""
        if said.by == "verdict" and (verdict := self.verdicts.get(row)) is not None:
            name = f"{verdict.author} (verdict {verdict.version})"
            return Annotator(name, "human"), verdict.reason
        sure = "" if said.p_chosen is None else f"P = {said.p_chosen:.3f}"
        return Annotator(f"prefsift {self.labels.whose} ({self.audit})", "rule"), sure or None


def last_words(labels: Labels) -> dict[int, Verdict]:
    """The last verdict in force on the question of each settled row."""
    review, found = labels.review, dict[int, Verdict]()
    questions = review.state.questions
    key = [
        (int(prompt), min(a, b), max(a, b))
        for prompt, a, b in zip(
            questions.prompts.tolist(), questions.a.tolist(), questions.b.tolist(), strict=True
        )
    ]
    asked: dict[tuple[int, int, int], Verdict] = {}
    for verdict in in_force(review.verdicts):
        if (place := placed(review.state, verdict)) is not None:
            asked[key[place[0]]] = verdict
    for row in review.now.settled.tolist():
        if (verdict := asked.get(key[row])) is not None:
            found[row] = verdict
    return found


def added(record: Record) -> Record:
    """The overlay as one comparison more of each pair, signed; the others as they were given.
    Comparisons of pairs that it drops leave."""
    gone = {frozenset((each.a, each.b)) for each in record.overlay if each.drop}
    given = (each for each in record.comparisons if frozenset((each.a, each.b)) not in gone)
    more = (each for each in record.overlay if not each.drop)
    return replace(record, comparisons=(*given, *more), overlay=())
