"""Columns beside the posteriors: near-duplicates, rewards, log-probabilities, orders, entropies."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.audit.extra_signals import extra_signals
from curation.audit.near_repeats import near_repeats
from curation.audit.questions import UNKNOWN, Ballots, Questions
from curation.consensus.votes import TIE, A, B, Votes
from curation.items import Floats

LONG = "the river that runs through the old town has its source high up in the hills of the north"


def questions(
    labels: Sequence[int],
    votes: Sequence[tuple[int, int, int, int]] = (),
    scores: Mapping[str, Floats] | None = None,
    texts: Sequence[tuple[str, str, str]] | None = None,
) -> Questions:
    """`votes`: item, annotator, said, and +1 where a was shown first."""
    n = len(labels)
    columns = np.array(votes, np.int64).reshape(-1, 4).T
    who = int(columns[1].max(initial=-1)) + 1
    cast = Votes(columns[0], columns[1], columns[2], n, who)
    ballots = Ballots(cast, columns[3].astype(float), ["v"] * who, ["model"] * who)
    ends: NDArray[np.int64] = np.arange(n)
    return Questions(
        np.array(labels, np.int64), np.ones(n, np.int64), ends, 2 * ends, 2 * ends + 1,
        np.full(n, UNKNOWN), ballots, np.ones(n, bool), texts, scores or {},
    )  # fmt: skip


def test_nearly_the_same_question_answered_the_other_way_counts_against_both() -> None:
    asked = f"Tell me in one sentence where {LONG} and why."
    yes, no = f"Yes: {LONG}, and it always has been so.", "No, that is quite another river."
    texts = [
        (asked, yes, no),
        (asked.replace("why", "how"), no, f"{yes} Indeed."),
        ("Something else?", yes, no),
    ]
    others, against = near_repeats(questions([A, A, A], texts=texts))
    assert (others.tolist(), against.tolist()) == ([1, 1, 0], [1, 1, 0])
    agreeing = near_repeats(questions([A, B, A], texts=texts))
    assert (agreeing[0].tolist(), agreeing[1].tolist()) == ([1, 1, 0], [0, 0, 0])


def test_equal_questions_and_pairs_of_like_responses_are_left_to_others() -> None:
    asked = f"Where is it that {LONG}?"
    same = [(asked, "Here.", "There."), (asked.upper(), "Here.", "There.")]
    assert not near_repeats(questions([A, B], texts=same))[0].any()
    alike = [(asked, f"{LONG}.", f"{LONG}!"), (f"So {asked}", f"{LONG}.", f"{LONG}!")]
    assert not near_repeats(questions([A, B], texts=alike))[0].any()
    assert not near_repeats(questions([A, B]))[0].any()


def test_rewards_are_an_ensemble_of_margins_towards_the_label() -> None:
    scores = {
        "one": np.array([[3.0, 1.0], [0.0, 2.0], [1.0, 0.0], [np.nan, 1.0]]),
        "two": np.array([[10.0, 30.0], [0.0, 20.0], [1.0, 0.0], [np.nan, 1.0]]),
    }
    found = extra_signals(questions([A, B, TIE, A], scores=scores), np.zeros(0))
    assert found["rewards.margin"][:2].tolist() == pytest.approx([0, 1], abs=1e-12)
    assert found["rewards.spread"][:2].tolist() == pytest.approx([1, 0], abs=1e-12)
    assert found["rewards.vote_share"][:2].tolist() == [0.5, 1]
    assert found["rewards.p_correct"][0] == pytest.approx(0.5)
    for name in ("margin", "spread", "vote_share", "p_correct"):
        assert np.isnan(found[f"rewards.{name}"][2:]).all()


def test_log_probabilities_give_the_worked_losses() -> None:
    scores = {
        "ref_logps": np.array([[-15.0, -10.0], [-10.0, -40.0]]),
        "logps": np.array([[-9.0, -10.0], [-9.0, np.nan]]),
    }
    found = extra_signals(questions([A, B], scores=scores), np.zeros(0))
    assert found["policy.difficulty"].tolist() == [5, 30]
    assert found["policy.loss_needed"].tolist() == pytest.approx([0.4741, 0.0486], abs=1e-4)
    assert found["policy.ranked"][0] == 1
    assert np.isnan(found["policy.ranked"][1])


def test_doubt_is_parted_into_unsure_voters_and_voters_that_differ() -> None:
    votes = [(0, 0, A, 0), (0, 1, A, 0), (1, 0, A, 0), (1, 1, B, 0), (2, 0, A, 0)]
    found = extra_signals(questions([A, TIE, A], votes), np.array([0.9, 0.8]))
    assert found["decomposition.total"][0] == pytest.approx(0.6098, abs=1e-4)  # S12's numbers
    assert found["decomposition.expected"][0] == pytest.approx(0.5955, abs=1e-4)
    assert found["decomposition.mutual"][0] == pytest.approx(0.0144, abs=1e-4)
    assert found["decomposition.mutual"][1] > 0.3
    assert np.isnan(found["decomposition.total"][2])


def test_a_judge_that_changes_with_the_order_says_tie() -> None:
    votes = [(0, 0, A, 1), (0, 0, A, -1), (0, 1, A, 1), (0, 1, B, -1), (1, 0, B, 1)]
    found = extra_signals(questions([A, B], votes), np.array([0.9, 0.9]))
    assert [found[f"both_orders.{name}"][0] for name in ("judges", "consistent", "p_a")] == [
        2, 0.5, 0.75,
    ]  # fmt: skip
    assert np.isnan(found["both_orders.judges"][1])


def test_exchanging_the_sides_turns_what_lies_towards_a_and_leaves_the_rest() -> None:
    rng = np.random.default_rng(0)
    votes = [
        (i, k, int(rng.integers(3)), int(rng.integers(2)) * 2 - 1)
        for i in range(20)
        for k in (0, 0, 1)
    ]
    labels = rng.integers(0, 3, 20)
    scores = {name: rng.normal(size=(20, 2)) for name in ("one", "two", "logps", "ref_logps")}
    other = {A: B, B: A, TIE: TIE}
    turned = [(i, k, other[said], -first) for i, k, said, first in votes]
    trust = np.array([0.9, 0.6])
    one = extra_signals(questions(labels.tolist(), votes, scores), trust)
    exchanged = {name: each[:, ::-1] for name, each in scores.items()}
    two = extra_signals(questions([other[x] for x in labels.tolist()], turned, exchanged), trust)
    for name, column in one.items():
        expected = 1 - column if name.endswith("p_a") else column
        np.testing.assert_allclose(two[name], expected, atol=1e-9, err_msg=name)


def test_the_worked_idealised_ranking_by_three_of_four_voters() -> None:
    """Their share is (3 + ½) / 5 = .7, so at β .1 a pair is ranked up to a difficulty of 8.473;
    one voter's share is not known."""
    votes = [(item, who, said, 1) for item in (0, 1) for who, said in enumerate((A, A, B, A))]
    sums = np.array([[-10.0, -2.0], [-11.0, -2.0], [-10.0, -2.0]])
    found = extra_signals(
        questions([A, A, A], [*votes, (2, 0, A, 1)], {"ref_logps": sums}), np.full(4, 0.8)
    )
    np.testing.assert_allclose(found["policy.difficulty"], [8, 9, 8])
    np.testing.assert_array_equal(found["policy.idealised"], [1, 0, np.nan])
