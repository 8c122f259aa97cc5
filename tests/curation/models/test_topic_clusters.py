"""Clusters with names, and a map that is the same every time."""

import numpy as np

from curation.models.topic_clusters import TERMS, learn, place, plane, telling

WORDS = {
    "garden": "how do I plant roses in a garden with clay soil",
    "cook": "what is a good recipe for bread dough with yeast",
    "chess": "which chess opening should a beginner play as white",
}


def made(each: int) -> tuple[list[str], np.ndarray]:
    """Texts of three subjects, with unit vectors that lie around three corners."""
    rng = np.random.default_rng(0)
    texts = [f"{text} {number}" for text in WORDS.values() for number in range(each)]
    vectors = np.repeat(np.eye(3, 8), each, axis=0) + 0.05 * rng.normal(size=(3 * each, 8))
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_each_subject_is_a_topic_called_by_its_words() -> None:
    texts, vectors = made(20)
    topics = learn(texts, vectors, 3, 0)
    nearest, away, spots = place(topics, vectors)
    assert all(len(set(nearest[start : start + 20].tolist())) == 1 for start in (0, 20, 40))
    assert len(set(nearest.tolist())) == 3
    for start, word in zip((0, 20, 40), ("garden", "recipe", "chess"), strict=True):
        assert word in topics.terms[nearest[start]].tolist()
    assert (away < 0.5).all()
    centres = [spots[start : start + 20].mean(axis=0) for start in (0, 20, 40)]
    assert np.linalg.norm(centres[0] - centres[1]) > 5 * spots[:20].std(axis=0).max()


def test_who_speaks_is_no_term_and_the_word_itself_is() -> None:
    dialogue = "Human: human rights\n\nAssistant: what of the assistant?\n\nHuman: tell me"
    terms = set(telling([dialogue, "Human: kiwi\n\nHuman: plum"], np.array([0, 1]), 2)[0].tolist())
    assert {"human", "rights", "assistant"} <= terms
    assert "human" not in telling([dialogue, "Human: kiwi\n\nHuman: plum"], np.array([0, 1]), 2)[1]


def test_terms_weigh_as_the_formula_says() -> None:
    texts = ["apple apple pear", "apple plum", "pear pear pear kiwi"]
    terms = telling(texts, np.array([0, 0, 1]), 2)
    # class 0: apple 3/5, pear 1/5, plum 1/5; words a class 4.5; anywhere apple 3, pear 4, plum 1
    weights = {
        "apple": 3 / 5 * np.log1p(4.5 / 3),
        "pear": 1 / 5 * np.log1p(4.5 / 4),
        "plum": 1 / 5 * np.log1p(4.5 / 1),
    }
    assert terms[0].tolist()[:3] == sorted(weights, key=lambda term: -weights[term])
    assert terms[1].tolist()[:2] == ["pear", "kiwi"]
    assert terms.shape == (2, TERMS)
    assert set(terms[0].tolist()[3:]) == {""}


def test_the_map_is_the_two_directions_of_most_variance() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(500, 6)) * np.array([1, 9, 2, 5, 1, 1])
    axes, mean = plane(vectors)
    assert np.abs(axes).argmax(axis=1).tolist() == [1, 3]
    assert axes[0, 1] > 0
    assert axes[1, 3] > 0
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(mean, vectors.mean(axis=0))


def test_few_and_equal_texts_have_topics_too() -> None:
    for texts in (["one"], ["same"] * 10, ["the", "of"]):
        vectors = np.ones((len(texts), 4)) / 2
        topics = learn(texts, vectors, None, 0)
        assert place(topics, vectors)[0].tolist() == [0] * len(texts)
        np.testing.assert_allclose(place(topics, vectors)[2], 0, atol=1e-12)
    assert len(learn([], np.zeros((0, 4)), None, 0).centres) == 0
