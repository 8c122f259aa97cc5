"""Near-duplicates of files, without a server: what their labels decide, and who said so."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A
from curation.items import Floats, Pairs, View
from curation.signals import Column, Signal
from curation.signals.embedding import Embedding
from service.audit.collect import Collector, Place
from service.columns import view_texts
from service.errors import Invalid


class Files(NamedTuple):
    """The decided pairs of some files; an id is the line, and the two responses where a line has
    several pairs. `rows` are those of `questions` that the pairs are."""

    pairs: Pairs
    places: list[Place]
    questions: Questions
    rows: list[int]
    rejected: int


def read_files(paths: Sequence[Path], layout: str | None) -> Files:
    """Raises Invalid for pairs that are no texts."""
    collector = Collector()
    for path in paths:
        collector.file(path, str(path), layout)
    questions, collected = collector.questions(), collector.collected
    if questions.texts is None and len(questions):
        raise Invalid("near-duplicates are looked for among texts", code="no_texts")
    texts = questions.texts or []
    rows: list[int] = np.flatnonzero(questions.decided).tolist()
    places = [collected.places[row] for row in rows]
    chosen_first = [int(questions.labels[row]) == A for row in rows]
    sides = [(1, 2) if straight else (2, 1) for straight in chosen_first]
    pairs = Pairs(
        names(places, len(paths) > 1),
        [f"prompt {questions.prompts[row]}" for row in rows],
        [texts[row][0] for row in rows],
        [texts[row][side[0]] for row, side in zip(rows, sides, strict=True)],
        [texts[row][side[1]] for row, side in zip(rows, sides, strict=True)],
        facts=facts(questions, rows),
    )
    return Files(pairs, places, questions, rows, len(collected.rejects))


def names(places: Sequence[Place], several: bool) -> list[str]:
    """Unique, and the same whenever the files are read."""
    lines = Counter((place.file, place.line) for place in places)
    found: list[str] = []
    for place in places:
        line = f"{place.file}:{place.line}" if several else str(place.line)
        alone = lines[place.file, place.line] == 1
        found.append(line if alone else f"{line}:{place.record_id}:{place.a}:{place.b}")
    repeats = Counter(found)
    seen = Counter[str]()
    for at, name in enumerate(found):
        seen[name] += 1
        found[at] = name if repeats[name] == 1 else f"{name}#{seen[name]}"
    return found


def facts(questions: Questions, rows: Sequence[int]) -> dict[str, Floats]:
    """Votes, as a pair of a dataset has them."""
    said = np.zeros((len(questions), 3))
    votes = questions.votes.votes
    np.add.at(said, (votes.items, votes.said), 1)
    counted = said[rows] if len(rows) else np.zeros((0, 3))
    labels = questions.labels[rows]
    total = counted.sum(axis=1)
    known = np.maximum(total, 1)
    towards = np.where(labels == A, counted[:, 0], counted[:, 1])
    return {
        "votes": total,
        "agreement": towards / known,
        "soft_label": (towards + counted[:, TIE] / 2) / known,
    }


def embedded(pairs: Pairs, signal: Signal) -> Pairs:
    """With the vectors that the signal reads, each text embedded once."""
    embedder = getattr(signal, "embedder", None)
    vectors: dict[View, Floats] = {}
    if not isinstance(embedder, Embedding):
        return pairs
    for view in signal.views:
        texts = view_texts(pairs, view)
        first = {name: row for row, name in reversed([*enumerate(texts.ids)])}
        rows = sorted(first.values())
        distinct = type(texts)(
            [texts.ids[row] for row in rows], [texts.prefixes[row] for row in rows],
            [texts.bodies[row] for row in rows],
        )  # fmt: skip
        made = embedder.score(distinct).vectors
        assert made is not None
        place = {name: at for at, name in enumerate(distinct.ids)}
        vectors[view] = made[[place[name] for name in texts.ids]]
    return replace(pairs, vectors=vectors)


class Found(NamedTuple):
    columns: dict[str, Column]
    metrics: dict[str, float]


def find(files: Files, signal: Signal) -> Found:
    pairs = embedded(files.pairs, signal)
    fit = signal.fit(pairs)
    return Found(dict(signal.score(pairs, fit).columns), dict(fit.metrics))


def groups(files: Files, found: Found) -> Iterator[dict[str, Any]]:
    """Those of two and more, the largest first, with all members."""
    numbers, sizes = found.columns["group"].values, found.columns["size"].values
    members: dict[float, list[int]] = defaultdict(list)
    for row in np.flatnonzero(sizes > 1).tolist():
        members[float(numbers[row])].append(row)
    for number, rows in sorted(members.items(), key=lambda each: (-sizes[each[1][0]], each[0])):
        first = next((row for row in rows if found.columns["first"].values[row]), rows[0])
        yield {
            "group": int(number),
            "size": int(sizes[rows[0]]),
            "pairs": len(rows),
            **votes(found, first),
            "members": [member(files, found, row) for row in rows],
        }


def member(files: Files, found: Found, row: int) -> dict[str, Any]:
    pairs, place = files.pairs, files.places[row]
    return {
        "pair_id": pairs.ids[row], "file": place.file, "line": place.line,
        "first": bool(found.columns["first"].values[row] == 1),
        "turned": bool(found.columns["turned"].values[row] == 1), **votes(found, row),
        "prompt": pairs.prompts[row], "chosen": pairs.chosen[row], "rejected": pairs.rejected[row],
    }  # fmt: skip


def votes(found: Found, row: int) -> dict[str, float | None]:
    values = {
        name: found.columns[name].values[row] for name in ("votes", "agreement", "soft_label")
    }
    return {name: float(each) if np.isfinite(each) else None for name, each in values.items()}


def repeated_judgments(files: Files, found: Found) -> Iterator[dict[str, Any]]:
    """One annotator's judgments of pairs of one group, in the order of the groups."""
    ballots, at = files.questions.votes, {row: place for place, row in enumerate(files.rows)}
    said: dict[tuple[float, int], list[tuple[int, str]]] = defaultdict(list)
    group, turned = found.columns["group"].values, found.columns["turned"].values
    labels = files.questions.labels
    cast = (ballots.votes.items.tolist(), ballots.votes.annotators.tolist(),
            ballots.votes.said.tolist())  # fmt: skip
    for item, annotator, says in zip(*cast, strict=True):
        place = at.get(item)
        if place is None or ballots.kinds[annotator] == "unnamed":
            continue
        straight = (says == labels[item]) == (turned[place] != 1)
        told = "tie" if says == TIE else ("a" if straight else "b")
        said[float(group[place]), annotator].append((place, told))
    for (number, annotator), judged in sorted(said.items()):
        if len(judged) > 1:
            says = sorted({told for _, told in judged})
            yield {
                "group": int(number), "annotator": ballots.names[annotator],
                "kind": ballots.kinds[annotator], "judgments": len(judged),
                "surplus": len(judged) - 1, "consistent": len(says) == 1, "says": says,
                "places": [
                    {"file": files.places[p].file, "line": files.places[p].line, "says": told}
                    for p, told in judged
                ],
            }  # fmt: skip
