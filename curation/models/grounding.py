"""How far a response keeps to what a record gives it to go by: its sources, a reference answer."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from curation.models.style import WORD

SENTENCE = 8  # words of a stretch
MANY = 5.0  # log(1 + count) of a hundred and fifty
STOP = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "did", "do", "does", "for",
        "from", "had", "has", "have", "he", "her", "his", "how", "in", "into", "is", "it", "its",
        "not", "of", "on", "or", "she", "than", "that", "the", "their", "then", "there", "these",
        "they", "this", "to", "was", "were", "what", "when", "where", "which", "who", "whose",
        "will", "with",
    }
)  # fmt: skip
SOURCES = (
    "known_words", "known_bigrams", "known_trigrams", "unknown_words", "unknown_numbers",
    "numbers", "weakest_stretch",
)  # fmt: skip
REFERENCE = (
    "precision", "recall", "f1", "bigram_precision", "bigram_recall", "number_recall",
)  # fmt: skip


def words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def support(response: Sequence[str], source: Sequence[str]) -> list[float]:
    """In the order of SOURCES, zeros where either is empty: shares of what the response says that
    the source says, too, and log(1 + count) / 5 of what it does not."""
    if not response or not source:
        return [0.0] * len(SOURCES)
    known, content = set(source), [word for word in response if word not in STOP]
    numbers = {word for word in content if any(map(str.isdigit, word))}
    twos, threes = set(pairwise(response)), triples(response)
    stretches = [response[at : at + SENTENCE] for at in range(0, len(response), SENTENCE)]
    return [
        share(sum(word in known for word in content), len(content)),
        share(len(twos & set(pairwise(source))), len(twos)),
        share(len(threes & triples(source)), len(threes)),
        float(np.log1p(sum(word not in known for word in set(content)))) / MANY,
        float(np.log1p(sum(number not in known for number in numbers))) / MANY,
        share(len(numbers), len(content)),
        min(share(sum(word in known for word in part), len(part)) for part in stretches),
    ]


def likeness(response: Sequence[str], reference: Sequence[str]) -> list[float]:
    """In the order of REFERENCE, zeros where either is empty: overlap of content words, word pairs
    and numbers."""
    if not response or not reference:
        return [0.0] * len(REFERENCE)
    own, given = set(response) - STOP, set(reference) - STOP
    both = len(own & given)
    precision, recall = share(both, len(own)), share(both, len(given))
    twos, wanted = set(pairwise(response)), set(pairwise(reference))
    numbers = {word for word in given if any(map(str.isdigit, word))}
    return [
        precision, recall, share(2 * precision * recall, precision + recall),
        share(len(twos & wanted), len(twos)), share(len(twos & wanted), len(wanted)),
        share(len(numbers & own), len(numbers)),
    ]  # fmt: skip


def triples(said: Sequence[str]) -> set[tuple[str, str, str]]:
    return set(zip(said, said[1:], said[2:], strict=False))


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


MEASURES = {"sources": support, "reference": likeness}


def grounding(kind: str, responses: Sequence[str], grounds: Sequence[str]) -> NDArray[np.float64]:
    """(n, features) of `kind`: sources or reference; "" grounds give zeros."""
    keys = list(zip(responses, grounds, strict=True))
    row = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    said = {text: words(text) for key in row for text in key}
    size = len(SOURCES if kind == "sources" else REFERENCE)
    measure = MEASURES[kind]
    table = np.array([measure(said[text], said[ground]) for text, ground in row], np.float64)
    return table.reshape(-1, size)[[row[key] for key in keys]]
