"""Sketched near-duplicates against all pairs looked at one by one."""

from itertools import combinations

import numpy as np
import pytest

from curation.grouping.fingerprints import shingles
from curation.grouping.near_duplicates import jaccard
from curation.grouping.shingling import shingles_of
from curation.grouping.sketches import similar


def texts_of(count: int, words: int, seed: int) -> list[str]:
    """Some of them others with a few words changed."""
    rng = np.random.default_rng(seed)
    vocabulary = [f"w{number}" for number in range(3000)]
    found: list[list[str]] = []
    for _ in range(count):
        length = int(rng.integers(1, 2 * words))
        drawn = [vocabulary[min(int(each), 2999)] for each in rng.zipf(1.2, length)]
        if found and rng.random() < 0.3:
            drawn = list(found[int(rng.integers(len(found)))])
            for _ in range(int(rng.integers(0, 3))):
                drawn[int(rng.integers(len(drawn)))] = vocabulary[int(rng.integers(3000))]
        found.append(drawn)
    return [" ".join(each) for each in found]


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("words", [4, 15, 80])
def test_finds_what_looking_at_every_pair_finds(threshold: float, words: int) -> None:
    texts = texts_of(150, words, seed=words)
    sets = [shingles(text) for text in texts]
    expected = {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if jaccard(sets[one], sets[other]) >= threshold
    }
    found = similar(texts, threshold)
    assert {(one, other) for one, other in found.pairs.tolist()} == expected
    assert len(found.pairs) == len(expected) > 0
    for (one, other), alike in zip(found.pairs.tolist(), found.similarity.tolist(), strict=True):
        assert alike == pytest.approx(jaccard(sets[one], sets[other]))


def test_case_punctuation_and_scripts_are_as_in_fingerprints() -> None:
    texts = [
        "Hello, World! hello world again",
        "one",
        "",
        "東京は 日本 abc",
        "Straße x",
        ". ,",
        "𝒳y z 😀",
    ]
    (found,) = shingles_of(texts)
    counted = [
        len(set(found.hashes[start:end].tolist()))
        for start, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)
    ]
    assert counted == [len(shingles(text)) for text in texts]
    pairs = similar(["STRASSE, and more", "straße and more", "", "", "?"], 1.0).pairs
    assert pairs.tolist() == [[0, 1]]


def test_a_text_of_fewer_words_than_a_shingle_is_one_shingle() -> None:
    texts = ["a b c", "a b c", "a b", "b c", "a", "a"]
    assert similar(texts, 0.9, words=5).pairs.tolist() == [[0, 1], [4, 5]]


def test_neither_order_nor_neighbours_change_what_is_alike() -> None:
    texts = texts_of(120, 20, seed=3)
    order = np.random.default_rng(1).permutation(len(texts))
    straight = {tuple(sorted((texts[a], texts[b]))) for a, b in similar(texts, 0.8).pairs.tolist()}
    shuffled = [texts[i] for i in order.tolist()]
    mixed = {
        tuple(sorted((shuffled[a], shuffled[b]))) for a, b in similar(shuffled, 0.8).pairs.tolist()
    }
    assert straight == mixed
    assert straight


def test_a_crowd_of_near_copies_is_joined_without_a_look_at_every_pair() -> None:
    texts = [
        f"the very same template of a question, for customer number {n} only" for n in range(400)
    ]
    found = similar(texts, 0.6)
    assert len(found.pairs) < 400 * 399 / 4
    assert set(found.pairs.ravel().tolist()) == set(range(400))


def test_nothing_is_alike_among_nothing() -> None:
    assert similar([], 0.8).pairs.shape == (0, 2)
    assert similar(["one text"], 0.8).pairs.shape == (0, 2)
