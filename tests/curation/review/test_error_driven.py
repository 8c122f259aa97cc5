"""L05 as an order of review: what it finds where errors have something in common."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.audit.questions import UNKNOWN, Ballots, Questions
from curation.consensus.votes import TIE, A, Anchors, B, Votes
from curation.items import Floats
from curation.models.surroundings import surroundings
from curation.review.error_driven import heard, pair_vectors, similar_to_errors
from curation.review.lexical import leans, measures

SUBJECTS = (
    "bread oven flour yeast dough crust baking", "engine brakes clutch gearbox tyres exhaust oil",
    "violin bow concerto rehearsal cello score tempo", "tomato soil seedling compost pruning beds",
    "mortgage interest lender deposit equity broker", "harbour sail rudder tide anchor mast hull",
)  # fmt: skip
N, START, BATCH, STEPS = 360, 20, 10, 8


def corpus(rng: np.random.Generator) -> tuple[list[tuple[str, str, str]], NDArray[np.int64]]:
    """Questions of six subjects, each with answers of different lengths; and the subjects."""
    subject = rng.integers(len(SUBJECTS), size=N)

    def words(of: int, count: int) -> str:
        return " ".join(rng.choice(SUBJECTS[of].split(), count))

    def answer(of: int) -> str:
        return words(of, int(rng.integers(5, 40)))

    texts = [(f"tell {words(of, 4)}?", answer(of), answer(of)) for of in subject.tolist()]
    return texts, subject


def by_subject(rng: np.random.Generator, subject: NDArray[np.int64], _: Floats) -> Floats:
    return np.where(subject == rng.integers(len(SUBJECTS)), 0.7, 0.02)


def by_length(_: np.random.Generator, __: NDArray[np.int64], wrong_is_longer: Floats) -> Floats:
    return np.where(wrong_is_longer, 0.5, 0.0)


def symmetric(_: np.random.Generator, subject: NDArray[np.int64], __: Floats) -> Floats:
    return np.full(len(subject), 0.2)


def lift(seed: int, noise: Callable[..., Floats]) -> float:
    """How many times as many wrong labels as random pairs hold, after 20 random verdicts and 80
    in the order of likeness, ten at a time."""
    rng = np.random.default_rng(seed)
    texts, subject = corpus(rng)
    truth = rng.integers(2, size=N)
    towards, around = leans(texts), surroundings(texts)
    wrong_is_longer = np.where(towards[:, 0] > 0, A, B) != truth
    wrong = rng.random(N) < noise(rng, subject, wrong_is_longer)
    labels = np.where(wrong, 1 - truth, truth)
    vectors, p_a = pair_vectors(around, towards, labels), np.where(labels == A, 0.8, 0.2)
    seen = rng.permutation(N)[:START].tolist()
    for _ in range(STEPS):
        known = Anchors.of(sorted((row, bool(truth[row] == A)) for row in seen))
        pool = np.setdiff1d(np.arange(N), seen)
        found = similar_to_errors(vectors, p_a, known, pool, [f"{row:03}" for row in range(N)])
        assert not set(found.rows.tolist()) & set(seen)
        seen += found.rows[:BATCH].tolist()
    return float(wrong[seen[START:]].mean() / wrong.mean())


def interval(noise: Callable[..., Floats]) -> tuple[float, float]:
    """95 % of the mean over seeds 0..11."""
    lifts = np.array([lift(seed, noise) for seed in range(12)])
    half = 1.96 * lifts.std(ddof=1) / np.sqrt(len(lifts))
    return float(lifts.mean() - half), float(lifts.mean() + half)


@pytest.mark.parametrize("noise", [by_subject, by_length])
def test_errors_that_have_something_in_common_are_found_sooner_than_at_random(
    noise: Callable[..., Floats],
) -> None:
    low, high = interval(noise)
    assert low > 1.1, (low, high)


def test_errors_that_have_nothing_in_common_are_found_no_sooner() -> None:
    low, high = interval(symmetric)
    assert low < 1.25
    assert high > 0.9


def test_what_looks_like_an_error_comes_before_what_looks_like_a_right_label() -> None:
    vectors = np.array([[1.0, 0], [0, 1], [0.9, 0.4], [0.1, 1], [0.95, 0.1], [-1, -1]])
    p_a = np.array([0.1, 0.9, 0.5, 0.5, 0.5, 0.5])
    known = Anchors(np.array([0, 1]), np.array([True, True]))  # the first was believed wrongly
    found = similar_to_errors(vectors, p_a, known, np.arange(2, 6), list("abcdef"), 2)
    assert found.rows.tolist() == [4, 2, 3]
    assert found.to.tolist() == [0, 0, 1]
    assert found.p_correct == pytest.approx([0.1, 0.1, 0.9])


def test_exchanging_the_answers_changes_neither_measures_nor_which_pairs_are_alike() -> None:
    texts, _ = corpus(np.random.default_rng(0))
    turned = [(prompt, b, a) for prompt, a, b in texts]
    assert measures(turned) == pytest.approx(measures(texts))
    assert leans(turned) == pytest.approx(-leans(texts))
    labels = np.arange(N) % 2
    around = surroundings(texts)
    assert pair_vectors(around, leans(turned), 1 - labels) == pytest.approx(
        pair_vectors(around, leans(texts), labels)
    )
    assert surroundings([("", "", "")] * 3).tolist() == [[0.0]] * 3
    assert measures([("", "", "")]).tolist() == [[0, 0, 0, 0, 1, 1, 0]]


def test_a_lone_label_is_believed_with_four_fifths_and_a_tie_with_a_half() -> None:
    votes = Votes(np.array([0, 1, 2]), np.zeros(3, np.int64), np.array([A, B, TIE]), 4, 1)
    rows = np.arange(4)
    questions = Questions(
        rows % 2, rows, rows, rows, rows, np.full(4, UNKNOWN),
        Ballots(votes, np.zeros(3), ["x"], ["human"]), np.ones(4, bool),
    )  # fmt: skip
    assert heard(questions, np.array([np.nan])) == pytest.approx([0.8, 0.2, 0.5, 0.5])
