"""The rubric of satisfaction and dissatisfaction: its classes, their patterns and examples."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import yaml
from numpy.typing import NDArray

Side: TypeAlias = Literal["sat", "dsat", "none"]
SIDES: tuple[Side, Side] = ("sat", "dsat")
READ = 1000  # characters of a turn that patterns see
OPENING = 80  # characters at its start, where most judgments stand
SENTENCE = re.compile(r"[^.!?\n]+[.!?]*|[.!?]+")


class Rubric(NamedTuple):
    """One class; `none` is what judges nothing."""

    name: str
    side: Side
    patterns: Sequence[re.Pattern[str]]
    examples: Sequence[str]


class Hit(NamedTuple):
    """A pattern's place in a text, [start, end)."""

    name: str
    side: Side
    start: int
    end: int


@cache
def rubrics() -> tuple[Rubric, ...]:
    """Nine classes a side as in WildFeedback (arXiv 2408.15549), and `neutral`."""
    text = files("curation.feedback").joinpath("rubric.yaml").read_text(encoding="utf-8")
    return tuple(
        Rubric(
            each["name"],
            each["side"],
            [re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in each["patterns"]],
            each["examples"],
        )
        for each in yaml.safe_load(text)
    )


def hits(text: str) -> Iterator[Hit]:
    """The first place of each class whose patterns occur."""
    read = text[:READ]
    for rubric in rubrics():
        places = (pattern.search(read) for pattern in rubric.patterns)
        found = min((place.span() for place in places if place), default=None)
        if found is not None:
            yield Hit(rubric.name, rubric.side, *found)


def classes(text: str, side: Side) -> list[str]:
    return [hit.name for hit in hits(text) if hit.side == side]


def flags(texts: Sequence[str]) -> NDArray[np.float64]:
    """(n, 2 x classes): whether a class's patterns occur, and whether they do at the start."""
    place = {rubric.name: at for at, rubric in enumerate(rubrics())}
    table = np.zeros((len(texts), 2 * len(place)))
    for row, text in enumerate(texts):
        for offset, part in ((0, text), (len(place), text[:OPENING])):
            for hit in hits(part):
                table[row, offset + place[hit.name]] = 1.0
    return table


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans [start, end) of what is said, without the spaces around; one at least of any text."""
    found: list[tuple[int, int]] = []
    for match in SENTENCE.finditer(text[:READ]):
        said = match.group()
        start = match.start() + len(said) - len(said.lstrip())
        if said.strip():
            found.append((start, start + len(said.strip())))
    return found or [(0, len(text))]
