from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

from curation.models import style
from curation.models.murmur import murmur3
from curation.models.ngrams import BUCKETS, Unit, ngrams, of_characters
from curation.models.style import COUNTS, FEATURES, counts, style_features


def counted(text: str) -> dict[str, int]:
    return dict(zip(COUNTS, counts(text), strict=True))


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        ("# a\n## b\n#no\ntext # c", "headers", 2),
        ("1. a\n 2. b\n- c\n* d\n-e", "lists", 4),
        ("**bold** and __bold__ and * not *", "bold", 2),
        ("```\n# code\n- code\n**x**\n```\n- item", "lists", 1),
        ("```\n# code\n```", "headers", 0),
        ("```a```\ntext\n```open", "code_blocks", 2),
        ("I'm sorry, I can't help with that.", "refusals", 2),
        ("As an AI I would not.", "refusals", 2),
        ("Sure, here it is.", "refusals", 0),
        ("Why? Who?! No.", "questions", 2),
        ("", "words", 0),
    ],
)
def test_counts_of_small_texts(text: str, name: str, count: int) -> None:
    assert counted(text)[name] == count


def test_every_text_has_finite_features() -> None:
    texts = ["", " ", "\x00", "😀" * 500, "a" * 100_000, "```" * 9, "\n\n\n", "Ünïcode ﷺ"]
    features = style_features(texts, texts[::-1])
    assert features.shape == (8, len(FEATURES))
    assert np.isfinite(features).all()
    assert style_features([], []).shape == (0, len(FEATURES))


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_ngrams_are_unit_rows_and_an_empty_text_is_zero(unit: Unit) -> None:
    rows = ngrams(["one two two", "", "ONE Two two"], unit)
    assert rows.shape == (3, BUCKETS)
    np.testing.assert_allclose(np.sqrt((rows.toarray() ** 2).sum(axis=1)), [1, 0, 1])
    assert (rows.toarray()[0] == rows.toarray()[2]).all()
    assert ngrams([], unit).shape == (0, BUCKETS)


MANNERS = {
    "refusals": style.REFUSAL, "negations": style.NEGATION, "first_person": style.FIRST_PERSON,
    "second_person": style.SECOND_PERSON, "advice": style.ADVICE,
}  # fmt: skip
PIECES = (
    "I", "I'm", "can't", "isn't", "not", "no", "n't", "xn't", "’t", "you’re", "Yours", "sorry",
    "as an", "AI", "Apologise", "cannon't", "i'me", "should've", "may", "_", "9", "?", "\n", "Ä",
    "ſhould", "K",
)  # fmt: skip


def test_what_is_counted_by_words_is_what_the_patterns_find() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2_000):
        text = str(rng.choice(["", " ", "'"])).join(rng.choice(PIECES, rng.integers(9)).tolist())
        found = counted(text)
        assert {name: found[name] for name in MANNERS} == {
            name: len(pattern.findall(text)) for name, pattern in MANNERS.items()
        }, text


def test_ngrams_of_characters_are_those_of_scikit_learn() -> None:
    texts = ["A word, and\n\n  a 2nd word", "é a ﷺ İx 😀", "", "a", "I’m  so-so \x00 a"]
    unscaled: Any = None
    theirs: Any = HashingVectorizer(
        n_features=BUCKETS,
        alternate_sign=False,
        norm=unscaled,
        ngram_range=(3, 4),
        analyzer="char_wb",
    )
    np.testing.assert_array_equal(of_characters(texts).toarray(), theirs.transform(texts).toarray())


@pytest.mark.parametrize("size", [3, 4])
def test_hashes_are_those_of_murmur3(size: int) -> None:
    content = np.random.default_rng(0).integers(0, 256, 500, np.uint8)
    starts = np.arange(500 - size)
    expected = [murmurhash3_32(content[at : at + size].tobytes(), seed=0) for at in starts]
    assert murmur3(content, starts, size).tolist() == expected
