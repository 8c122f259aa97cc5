"""How a response is written, whatever it says: lengths, markdown, refusals, overlap, repetition."""

import re
from collections.abc import Sequence
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


def counts(text: str) -> list[int]:
    """In the order of COUNTS, each at least 0."""
    plain = FENCED.sub("", text)
    return [
        len(text),
        len(WORD.findall(text)),
        len(SENTENCE_END.findall(text)),
        sum(1 for part in text.split("\n\n") if part.strip()),
        len(NUMBERED.findall(plain)) + len(BULLET.findall(plain)),
        len(HEADER.findall(plain)),
        len(BOLD.findall(plain)),
        len(FENCED.findall(text)),
        text.count("?"),
        text.count("!"),
        text.count(","),
        sum(map(str.isdigit, text)),
        len(REFUSAL.findall(text)),
        len(NEGATION.findall(text)),
        len(FIRST_PERSON.findall(text)),
        len(SECOND_PERSON.findall(text)),
        len(ADVICE.findall(text)),
    ]


def shares(prompt: str, response: str) -> list[float]:
    """In the order of SHARES: about 0..1, 0 for an empty response."""
    words = [word.lower() for word in WORD.findall(response)]
    if not words:
        return [0.0] * len(SHARES)
    asked, used = {word.lower() for word in WORD.findall(prompt)}, set(words)
    bigrams = list(pairwise(words))
    letters = sum(map(str.isalpha, response))
    stripped = response.rstrip()
    return [
        sum(word in asked for word in words) / len(words),
        len(asked & used) / max(len(asked), 1),
        len(used) / len(words),
        len(set(bigrams)) / max(len(bigrams), 1),
        sum(map(len, words)) / len(words) / 10,
        sum(map(str.isupper, response)) / max(letters, 1),
        float(CLOSING.search(stripped) is not None),
        float(response.lstrip()[:1].isupper()),
        len(words) / max(len(SENTENCE_END.findall(response)), 1) / 100,
        float(stripped.endswith("?")),
    ]


def style_features(prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
    """(n, len(FEATURES)): log(1 + count), then the shares."""
    keys = list(zip(prompts, responses, strict=True))
    row = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    table = np.array([[*counts(text), *shares(prompt, text)] for prompt, text in row], np.float64)
    table = table.reshape(-1, len(FEATURES))
    table[:, : len(COUNTS)] = np.log1p(table[:, : len(COUNTS)])
    return table[[row[key] for key in keys]]
