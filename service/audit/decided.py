"""Files -> the pairs that their labels decide, as the columns of curation, without a server."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from curation.consensus.votes import A, B
from curation.items import Pairs
from service.audit.collect import Collector


class Decided(NamedTuple):
    """`pairs` in the order of their ids; `fields` are classes by pair, "" where unknown.

    `labels`: pairs with a label, ties and repetitions among them; `rejected`: lines not read;
    `layouts` by file; `media`: the responses are no texts, so there are no pairs.
    """

    pairs: Pairs
    fields: dict[str, list[str]]
    labels: int
    rejected: int
    layouts: dict[str, str]
    media: bool


def decided(files: Sequence[Path], layout: str | None = None) -> Decided:
    """The majority's pairs, each text pair and direction once; ties and equal responses left out.

    Ids are made of the texts, so that the same data in any order gives the same result.
    """
    collector = Collector()
    for path in files:
        collector.file(path, str(path), layout)
    said = collector.collected
    rows: dict[str, tuple[str, str, str, str, str]] = {}
    if collector.textual:
        for (prompt, a, b), (label, *_), place, topic in zip(
            collector.texts, collector.labels, said.places, collector.topics, strict=True
        ):
            if a != b and label in (A, B):
                chosen, rejected = (a, b) if label == A else (b, a)
                source = Path(place.file).name
                row = (prompt, chosen, rejected, source, topic)
                rows.setdefault(digest(prompt, chosen, rejected), row)
    ids = sorted(rows)
    columns = [list(column) for column in zip(*(rows[id] for id in ids), strict=True)]
    prompts, chosen, rejected, sources, topics = columns or [[], [], [], [], []]
    pairs = Pairs(ids, [digest(prompt) for prompt in prompts], prompts, chosen, rejected)
    fields = {"source": sources, "topic": topics}
    return Decided(
        pairs, fields, len(said.places), len(said.rejects), said.layouts, not collector.textual
    )


def digest(*texts: str) -> str:
    """24 hexadecimal digits that name these texts."""
    whole = "\x00".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:24]
