import numpy as np
import pytest

from curation.models.ngrams import BUCKETS, Unit, ngrams
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
