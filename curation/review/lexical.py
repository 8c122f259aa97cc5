"""Two answers side by side, in numbers: what routing bins, and what retrieval compares."""

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from curation.items import Floats

Texts: TypeAlias = Sequence[tuple[str, str, str]]  # prompt, a, b

MEASURES = (
    "length_difference", "prompt_length", "shorter_length", "longer_length", "word_overlap",
    "entity_overlap", "cosine",
)  # fmt: skip
LEANS = ("characters", "lines", "questions", "digits", "emphasis", "commas", "prompt_words")
LETTERS = 2_000  # of a text that are read
WORD = re.compile(r"\w+")
ENTITY = re.compile(r"\b(?:[A-Z]\w+|\d+)\b")


def measures(texts: Texts) -> Floats:
    """(n, len(MEASURES)), the same with a and b exchanged: lengths in log(1 + words), overlaps as
    shares of what either says (1 where neither says any), cosine of the counts of words.

    The lexical features of arXiv 2410.19133 that need no model. Its entity overlap divides by
    one side; here by both, so that the order of the answers is nothing.
    """
    rows = [measured(*(text[:LETTERS] for text in each)) for each in texts]
    return np.array(rows, np.float64).reshape(-1, len(MEASURES))


def measured(prompt: str, a: str, b: str) -> list[float]:
    one, other = (WORD.findall(text.casefold()) for text in (a, b))
    short, long = sorted((len(one), len(other)))
    named = [set(ENTITY.findall(text)) for text in (a, b)]
    lengths = np.log1p([long - short, len(prompt.split()), short, long]).tolist()
    return [*lengths, jaccard(set(one), set(other)), jaccard(*named), cosine(one, other)]


def jaccard(one: set[str], other: set[str]) -> float:
    either = len(one | other)
    return len(one & other) / either if either else 1.0


def cosine(one: Sequence[str], other: Sequence[str]) -> float:
    """Of the two counts of words; 0 where one says nothing."""
    if not one or not other:
        return 0.0
    at = {word: i for i, word in enumerate(dict.fromkeys((*one, *other)))}
    a, b = (np.bincount([at[word] for word in words], minlength=len(at)) for words in (one, other))
    return float(a @ b / np.sqrt(float(a @ a) * float(b @ b)))


def leans(texts: Texts) -> Floats:
    """(n, len(LEANS)): what a has more of than b, on a scale of logarithms; exchanging a and b
    changes every sign."""
    rows = np.array([[counts(prompt, a), counts(prompt, b)] for prompt, a, b in texts], np.float64)
    both = np.log1p(rows.reshape(-1, 2, len(LEANS)))
    return both[:, 0] - both[:, 1]


def counts(prompt: str, answer: str) -> list[int]:
    asked = set(WORD.findall(prompt[:LETTERS].casefold()))
    return [
        len(answer),
        answer.count("\n"),
        answer.count("?"),
        sum(map(str.isdigit, answer[:LETTERS])),
        answer.count("**") + answer.count("\n- ") + answer.count("\n#"),
        answer.count(","),
        sum(word in asked for word in WORD.findall(answer[:LETTERS].casefold())),
    ]
