"""The order of the queue: cleanlab's score, its limits, and planted errors found early."""

import numpy as np
import pytest
from cleanlab.internal.multiannotator_utils import find_best_temp_scaler, temp_scale_pred_probs
from cleanlab.multiannotator import get_active_learning_scores, get_label_quality_multiannotator
from numpy.typing import NDArray

from curation.audit.posterior import posterior
from curation.audit.questions import UNKNOWN, Ballots, Questions
from curation.consensus.votes import TIE, A, B, Votes
from curation.items import Floats
from curation.review.queue import active_lab, expected_information, queue, voter_weights
from tests.curation.consensus.simulated import exchanged


def asked(votes: Votes, labels: NDArray[np.int64], prompt_size: int = 1) -> Questions:
    n, rows = votes.n_items, np.arange(votes.n_items)
    names = [f"v{i}" for i in range(votes.n_annotators)]
    ballots = Ballots(votes, np.zeros(len(votes)), names, ["human"] * len(names))
    return Questions(
        labels, np.bincount(votes.items, minlength=n), rows // prompt_size, 2 * rows,
        2 * rows + 1, np.full(n, UNKNOWN), ballots, np.ones(n, bool),
    )  # fmt: skip


def unequal(seed: int, n: int = 400) -> tuple[Questions, NDArray[np.bool_]]:
    """Pairs with one to seven votes of 20 annotators, right in 55 to 98 %; majority labels. The
    questions, and which labels are wrong."""
    rng = np.random.default_rng(seed)
    items = np.repeat(np.arange(n), rng.integers(1, 8, n))
    who = rng.integers(0, 20, len(items))
    truth = rng.integers(0, 2, n)
    right = rng.random(len(items)) < rng.uniform(0.55, 0.98, 20)[who]
    votes = Votes(items, who, np.where(right, truth[items], 1 - truth[items]), n, 20)
    balance = np.asarray(votes.counts[:, 0::3].sum(axis=1) - votes.counts[:, 1::3].sum(axis=1))
    labels = np.where(balance.ravel() > 0, A, np.where(balance.ravel() < 0, B, TIE))
    return asked(votes, labels), (labels != truth) & (labels != TIE)


def test_one_label_a_pair_is_scored_as_cleanlab_does() -> None:
    p_a = np.array([0.1, 0.5, 0.8, 0.95, 0.3])
    labels = np.array([0, 1, 0, 1, 1])
    theirs, _ = get_active_learning_scores(
        labels[:, None].astype(float), np.column_stack([p_a, 1 - p_a])
    )
    quality = np.where(labels == 0, p_a, 1 - p_a)
    assert active_lab(quality, np.full(5, 2.0), 1.0) == pytest.approx(1 - theirs, abs=1e-12)


def test_unequal_numbers_of_labels_weigh_as_in_cleanlab() -> None:
    rng = np.random.default_rng(0)
    given = rng.integers(0, 2, (60, 4)).astype(float)
    given[rng.random((60, 4)) < 0.4] = np.nan
    given = given[~np.isnan(given).all(axis=1)]
    p = rng.uniform(0.05, 0.95, len(given))
    probabilities = np.column_stack([p, 1 - p])
    theirs, _ = get_active_learning_scores(given, probabilities)
    scaled = temp_scale_pred_probs(probabilities, find_best_temp_scaler(given, probabilities))
    parts = get_label_quality_multiannotator(
        given, scaled, return_annotator_stats=False, return_detailed_quality=False,
        return_weights=True,
    )  # fmt: skip
    weights = np.asarray(parts["annotator_weight"])
    weight = (~np.isnan(given)) @ weights + parts["model_weight"]
    quality = parts["label_quality"]["consensus_quality_score"].to_numpy()
    assert active_lab(quality, weight, weights.mean()) == pytest.approx(1 - theirs, abs=1e-9)


def test_more_labels_make_a_good_label_duller_and_a_doubted_one_more_urgent() -> None:
    few, many = (active_lab(np.array([0.9, 0.2]), np.full(2, w), 1.0) for w in (1.0, 9.0))
    assert many[0] < few[0] < 0.5 < few[1] < many[1]
    assert active_lab(np.array([0.7]), np.zeros(1), 1.0) == pytest.approx([0.5])


def test_an_annotator_weighs_what_they_know_beyond_guessing() -> None:
    found = voter_weights(np.array([1.0, 0.8, 0.5, 0.1, np.nan]))
    assert found == pytest.approx([1.0, 0.6, 0.05, 0.05, 0.6])


def test_answered_pairs_and_agreed_ties_stay_out_of_the_queue() -> None:
    votes = Votes(
        np.array([0, 1, 2, 2, 3]), np.zeros(5, np.int64), np.array([A, TIE, A, B, B]), 4, 1
    )
    questions = asked(votes, np.array([A, TIE, TIE, B]))
    worth = expected_information(questions, posterior(questions), settled=np.array([3]))
    assert np.isnan(worth[1])
    assert worth[3] == 0
    assert queue(worth, list("dcba")).tolist() == [2, 0]


def test_of_equals_the_lower_id_comes_first_and_the_order_of_the_rows_means_nothing() -> None:
    worth = np.array([0.3, 0.5, 0.3, 0.5, 0.1])
    ids = ["e", "d", "c", "b", "a"]
    assert [ids[row] for row in queue(worth, ids)] == ["b", "d", "c", "e", "a"]
    turned = queue(worth[::-1], ids[::-1], limit=3)
    assert [ids[::-1][row] for row in turned] == ["b", "d", "c"]


def test_exchanging_a_and_b_or_renaming_annotators_leaves_the_worth() -> None:
    questions, _ = unequal(0)
    worth = expected_information(questions, posterior(questions))
    labels = np.array([1, 0, 2])[questions.labels]
    other = asked(exchanged(questions.votes.votes), labels)
    assert expected_information(other, posterior(other)) == pytest.approx(worth, abs=1e-4)
    votes = questions.votes.votes
    renamed = Votes(votes.items, 19 - votes.annotators, votes.said, votes.n_items, 20)
    again = asked(renamed, questions.labels)
    assert expected_information(again, posterior(again)) == pytest.approx(worth, abs=1e-4)


def test_no_pairs_give_an_empty_queue() -> None:
    nothing = np.zeros(0, np.int64)
    questions = asked(Votes(nothing, nothing, nothing, 0, 0), nothing)
    assert queue(expected_information(questions, posterior(questions)), []).tolist() == []


def verdicts_to_find(wrong: NDArray[np.bool_], order: NDArray[np.int64]) -> int:
    """How many verdicts find four in five of the wrong labels."""
    return int(np.searchsorted(np.cumsum(wrong[order]), 0.8 * wrong.sum())) + 1


def test_planted_errors_are_found_with_fewer_verdicts_than_at_random_or_by_uncertainty() -> None:
    saved: list[list[float]] = []
    for seed in range(12):
        questions, wrong = unequal(seed)
        found = posterior(questions)
        ids = list(range(len(wrong)))
        by: dict[str, Floats] = {
            "information": expected_information(questions, found),
            "random": np.random.default_rng(seed).random(len(wrong)),
            "uncertainty": 0.6 - np.abs(found.p_a - 0.5),
        }
        taken = {name: verdicts_to_find(wrong, queue(each, ids)) for name, each in by.items()}
        saved.append([taken[name] - taken["information"] for name in ("random", "uncertainty")])
    differences = np.array(saved, np.float64)
    low = differences.mean(axis=0) - 1.96 * differences.std(axis=0, ddof=1) / np.sqrt(12)
    assert low[0] > 80
    assert low[1] > 0
