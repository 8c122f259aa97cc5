"""What a response shares with its sources and with a reference answer."""

import numpy as np
import pytest

from curation.models.grounding import REFERENCE, SOURCES, grounding, likeness, support, words
from curation.models.stacking import trusted, view_weights


def test_the_worked_support_of_a_response() -> None:
    """Content words: bloom, came, out, 2018, 1999. Of the word pairs "bloom came" is known."""
    said, source = words("Bloom came out in 2018 or 1999"), words("Then bloom came, in 2018.")
    found = dict(zip(SOURCES, support(said, source), strict=True))
    assert found["known_words"] == pytest.approx(3 / 5)
    assert found["known_bigrams"] == pytest.approx(2 / 6)
    assert found["known_trigrams"] == 0
    assert found["unknown_words"] == pytest.approx(np.log(3) / 5)
    assert found["unknown_numbers"] == pytest.approx(np.log(2) / 5)
    assert found["numbers"] == pytest.approx(2 / 5)
    assert found["weakest_stretch"] == pytest.approx(4 / 7)


def test_the_worked_likeness_to_a_reference() -> None:
    said, reference = words("It came in 2018"), words("Bloom came 2018 and 1999")
    found = dict(zip(REFERENCE, likeness(said, reference), strict=True))
    assert found["precision"] == 1
    assert found["recall"] == pytest.approx(2 / 4)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["bigram_precision"] == 0
    assert found["number_recall"] == pytest.approx(1 / 2)
    assert likeness(words("same words here"), words("Same words here")) == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("kind", ["sources", "reference"])
def test_nothing_to_go_by_says_nothing(kind: str) -> None:
    found = grounding(kind, ["an answer", "", "an answer"], ["", "a source", "an answer"])
    assert not found[:2].any()
    assert found[2].any()
    assert grounding(kind, [], []).shape == (0, len(SOURCES if kind == "sources" else REFERENCE))


def test_a_view_that_knows_counts_more_and_few_labels_change_little() -> None:
    rng = np.random.default_rng(0)
    knows, guesses = rng.normal(0.8, 1, 2000), rng.normal(0, 1, (2000, 3))
    weights = view_weights(np.column_stack([knows, guesses]))
    assert weights.mean() == pytest.approx(1)
    assert weights[0] > 2 * weights[1:].max()
    assert (weights >= 0).all()
    few = view_weights(np.column_stack([knows, guesses])[:20])
    assert np.abs(few - 1).max() < 0.5 < weights[0] - 1
    assert view_weights(np.zeros((0, 3))).tolist() == [1, 1, 1]
    assert view_weights(np.zeros((9, 3))) == pytest.approx([1, 1, 1])


def test_the_most_doubted_labels_teach_nothing() -> None:
    margin = np.arange(100.0)
    assert trusted(margin, 0.15).tolist() == [0.0] * 15 + [1.0] * 85
    assert trusted(margin, 0).all()
    assert len(trusted(np.zeros(0), 0.2)) == 0
