"""How a response is written, whatever it says: lengths, markdown, refusals, overlap, repetition."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# The markdown patterns are those of arena-hard-auto (add_markdown_info.py), on text without code.
FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
HEADER = re.compile(r"^#{1,6}\s", re.MULTILINE)
NUMBERED = re.compile(r"^\s*\d+\.\s", re.MULTILINE)
BULLET = re.compile(r"^\s*[-*+]\s", re.MULTILINE)
BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
WORD = re.compile(r"\w+(?:['’]\w+)*")
SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)")
REFUSAL = re.compile(
    r"\b(?:i(?:['’]m| am) (?:sorry|afraid|unable|not (?:able|going|sure|comfortable))"
    r"|i (?:can(?:['’]t|not)|won['’]t|do(?:n['’]t| not) (?:want|think|feel)|would(?:n['’]t| not))"
    r"|(?:as an?|i(?:['’]m| am) (?:just )?an?) (?:ai|language model|assistant)"
    r"|apologi[sz]e|unfortunately)\b",
    re.IGNORECASE,
)
NEGATION = re.compile(r"\b(?:no|not|never|nothing|nobody|\w+n['’]t|cannot)\b", re.IGNORECASE)
FIRST_PERSON = re.compile(r"\b(?:i|me|my|i['’]\w+)\b", re.IGNORECASE)
SECOND_PERSON = re.compile(r"\b(?:you|your|yours|you['’]\w+)\b", re.IGNORECASE)
ADVICE = re.compile(r"\b(?:should|could|might|may|would|please|recommend|suggest)\b", re.IGNORECASE)
CLOSING = re.compile(r"[.!?:;\"'”’)\]`]$")
RUN = re.compile(r"\w+")
DIGITS, CAPITALS = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SMALL = CAPITALS.lower()
# The same patterns by words: what a match holds, and for refusals, one of what it can't be without.
NO = frozenset({"no", "not", "never", "nothing", "nobody", "cannot"})
CONTRACTED = re.compile(r"\b\w+n't\b")
ME, YOU = frozenset({"i", "me", "my"}), frozenset({"you", "your", "yours"})
SHOULD = frozenset({"should", "could", "might", "may", "would", "please", "recommend", "suggest"})
OF_REFUSALS = frozenset(
    {"sorry", "afraid", "unable", "not", "cannot", "t", "ai", "language", "assistant",
     "apologise", "apologize", "unfortunately"}
)  # fmt: skip

COUNTS = (
    "characters", "words", "sentences", "paragraphs", "lists", "headers", "bold", "code_blocks",
    "questions", "exclamations", "commas", "digits", "refusals", "negations", "first_person",
    "second_person", "advice",
)  # fmt: skip
SHARES = (
    "prompt_overlap", "prompt_coverage", "distinct_words", "distinct_bigrams", "word_length",
    "uppercase", "ends_closed", "starts_capital", "sentence_length", "is_question",
)  # fmt: skip
FEATURES = COUNTS + SHARES


class Read:
    """A text that is read once. Of ASCII, where case is simple, most is counted without a regular
    expression; the counts are the same."""

    def __init__(self, text: str) -> None:
        self.text, self.ascii = text, text.isascii()
        self.lower = text.lower() if self.ascii else text
        self.runs = RUN.findall(self.lower)
        joined = "'" in text or "’" in text
        found = WORD.findall(self.lower) if joined else self.runs
        self.words: list[str] = found if self.ascii else [word.lower() for word in found]
        self.sentences = len(SENTENCE_END.findall(text))
        self.digits, self.letters, self.capitals = self.characters()

    def characters(self) -> tuple[int, int, int]:
        if not self.ascii:
            kinds = (str.isdigit, str.isalpha, str.isupper)
            digits, letters, capitals = (sum(map(kind, self.text)) for kind in kinds)
            return digits, letters, capitals
        content, size = self.text.encode(), len(self.text)
        digits, capitals, small = (
            size - len(content.translate(None, each)) for each in (DIGITS, CAPITALS, SMALL)
        )
        return digits, capitals + small, capitals

    def manner(self) -> list[int]:
        """Refusals, negations, first and second person, advice."""
        if not self.ascii:
            patterns = (REFUSAL, NEGATION, FIRST_PERSON, SECOND_PERSON, ADVICE)
            return [len(pattern.findall(self.text)) for pattern in patterns]
        used = set(self.runs)
        refusals = 0 if used.isdisjoint(OF_REFUSALS) else len(REFUSAL.findall(self.lower))
        contracted = len(CONTRACTED.findall(self.lower)) if "n't" in self.lower else 0
        said = [sum(map(self.runs.count, used & each)) for each in (NO, ME, YOU, SHOULD)]
        return [refusals, said[0] + contracted, *said[1:]]

    def markdown(self) -> list[int]:
        """Lists, headers, bold, code blocks; the first three outside of code."""
        text = self.text
        fenced = "```" in text
        plain = FENCED.sub("", text) if fenced else text
        numbered = len(NUMBERED.findall(plain)) if self.digits or not self.ascii else 0
        bullets = "-" in plain or "*" in plain or "+" in plain
        return [
            numbered + (len(BULLET.findall(plain)) if bullets else 0),
            len(HEADER.findall(plain)) if "#" in plain else 0,
            len(BOLD.findall(plain)) if "**" in plain or "__" in plain else 0,
            len(FENCED.findall(text)) if fenced else 0,
        ]

    def counts(self) -> list[int]:
        """In the order of COUNTS, each at least 0."""
        text = self.text
        return [
            len(text),
            len(self.words),
            self.sentences,
            sum(1 for part in text.split("\n\n") if part and not part.isspace()),
            *self.markdown(),
            text.count("?"),
            text.count("!"),
            text.count(","),
            self.digits,
            *self.manner(),
        ]

    def shares(self, prompt: str) -> list[float]:
        """In the order of SHARES: about 0..1, 0 for an empty response."""
        words = self.words
        if not words:
            return [0.0] * len(SHARES)
        asked, used = words_of(prompt), set(words)
        stripped = self.text.rstrip()
        return [
            sum(map(asked.__contains__, words)) / len(words),
            len(asked & used) / max(len(asked), 1),
            len(used) / len(words),
            len(set(pairwise(words))) / max(len(words) - 1, 1),
            sum(map(len, words)) / len(words) / 10,
            self.capitals / max(self.letters, 1),
            float(CLOSING.search(stripped[-1:]) is not None),
            float(self.text.lstrip()[:1].isupper()),
            len(words) / max(self.sentences, 1) / 100,
            float(stripped.endswith("?")),
        ]


@lru_cache(maxsize=64)  # of neighbours, which often answer one prompt
def words_of(prompt: str) -> frozenset[str]:
    return frozenset(word.lower() for word in WORD.findall(prompt))


def counts(text: str) -> list[int]:
    """In the order of COUNTS, each at least 0."""
    return Read(text).counts()


@lru_cache(maxsize=16_384)
def measured(prompt: str, response: str) -> tuple[float, ...]:
    """Counts and shares: a fold, a signal and a selector after it ask for the same texts."""
    read = Read(response)
    return (*read.counts(), *read.shares(prompt))


def style_features(prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
    """(n, len(FEATURES)): log(1 + count), then the shares."""
    keys = list(zip(prompts, responses, strict=True))
    row = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    table = np.array([measured(prompt, text) for prompt, text in row], np.float64)
    table = table.reshape(-1, len(FEATURES))
    table[:, : len(COUNTS)] = np.log1p(table[:, : len(COUNTS)])
    return table[[row[key] for key in keys]]
