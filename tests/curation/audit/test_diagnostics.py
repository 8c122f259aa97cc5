"""Leans before and after denoising: nothing is called clean when one grew."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.audit.diagnostics import Diagnostics, diagnostics
from curation.audit.questions import UNKNOWN, Ballots, Questions
from curation.consensus.votes import Votes
from curation.items import Floats

N = 2000
KEEP = np.full(N, "keep", "<U6")
RIGHT = np.full(N, 0.9)


def asked(labels: NDArray[np.int64], first: Floats | None = None) -> Questions:
    n = len(labels)
    votes = Votes(np.arange(n), np.zeros(n, np.int64), labels, n, 1)
    ballots = Ballots(votes, np.zeros(n) if first is None else first, ["rater"], ["human"])
    rows = np.arange(n)
    return Questions(
        labels, np.ones(n, np.int64), rows, 2 * rows, 2 * rows + 1, np.full(n, UNKNOWN), ballots,
        np.ones(n, bool),
    )  # fmt: skip


def coins(seed: int = 0) -> tuple[Questions, Floats]:
    """Labels that lean on nothing, and how much longer a is."""
    rng = np.random.default_rng(seed)
    return asked(rng.integers(0, 2, N)), rng.normal(size=(N, 1))


def labelled_longer(questions: Questions, length: Floats) -> NDArray[np.bool_]:
    return (length[:, 0] > 0) == (questions.labels == 0)


def of(
    questions: Questions, length: Floats, actions: NDArray[np.str_], p: Floats = RIGHT
) -> Diagnostics:
    return diagnostics(questions, ["characters"], length, actions, p)


@pytest.mark.parametrize("action", ["drop", "review", "flip"])
def test_nothing_is_called_clean_when_labels_for_short_answers_are_taken_out(action: str) -> None:
    questions, length = coins()
    doubted = ~labelled_longer(questions, length) & (np.random.default_rng(1).random(N) < 0.3)
    found = of(questions, length, np.where(doubted, action, KEEP))
    assert found.grew == ("characters",)
    assert found.clean is False
    assert found.verdict == "not clean: labels lean more on characters than before"
    assert found.leans[0].growth > found.leans[0].low > 0
    assert found.leans[0].kind == "length"


def test_labels_taken_out_at_random_make_no_lean_grow() -> None:
    grew = 0
    for seed in range(100):
        questions, length = coins(seed)
        taken = np.random.default_rng(500 + seed).random(N) < 0.3
        found = of(questions, length, np.where(taken, "drop", KEEP))
        grew += not found.clean
        assert found.changed == taken.sum()
        assert found.verdict.startswith("clean") == bool(found.clean)
    assert grew <= 10


def test_a_lean_that_shrinks_is_none_that_grew() -> None:
    questions, length = coins()
    longer = labelled_longer(questions, length)
    taken = longer & (np.random.default_rng(1).random(N) < 0.2)
    leaning = asked(np.where(np.random.default_rng(2).random(N) < 0.5, length[:, 0] < 0, 0))
    assert of(leaning, length, np.where(taken, "drop", KEEP)).clean


def test_soft_labels_count_by_what_they_still_say() -> None:
    questions, length = coins()
    longer = labelled_longer(questions, length)
    evenly = of(questions, length, np.full(N, "soften", "<U6"), np.full(N, 0.55))
    assert evenly.leans[0].after == pytest.approx(evenly.leans[0].before)
    assert evenly.clean
    leaning = of(questions, length, np.where(longer, "keep", "soften"), np.where(longer, 0.9, 0.3))
    assert leaning.leans[0].after == pytest.approx(1)
    assert not leaning.clean


def test_the_side_shown_first_is_a_lean_too() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice([-1.0, 1.0], N)
    questions = asked(rng.integers(0, 2, N), first)
    second = (first > 0) != (questions.labels == 0)
    few = second & (rng.random(N) < 0.4)
    found = of(questions, np.zeros((N, 1)), np.where(few, "drop", KEEP))
    assert [(lean.name, lean.kind, lean.grew) for lean in found.leans] == [
        ("shown_first", "position", True)
    ]


def test_without_changes_or_without_pairs_nothing_is_called_clean() -> None:
    questions, length = coins()
    same = of(questions, length, KEEP)
    assert (same.clean, same.changed) == (None, 0)
    assert "clean" not in same.verdict
    alike = of(questions, np.zeros((N, 1)), np.full(N, "drop", "<U6"))
    assert alike.clean is None
    assert "fewer than 50" in alike.verdict


def test_exchanging_a_and_b_changes_no_lean() -> None:
    questions, length = coins()
    turn = np.random.default_rng(5).random(N) < 0.5
    turned = replace(questions, labels=np.where(turn, 1 - questions.labels, questions.labels))
    actions = np.where(np.random.default_rng(6).random(N) < 0.2, "flip", KEEP)
    one = of(questions, length, actions)
    assert of(turned, np.where(turn[:, None], -length, length), actions) == one


def test_pairs_of_one_prompt_are_one_witness() -> None:
    questions, length = coins()
    doubted = ~labelled_longer(questions, length) & (np.random.default_rng(1).random(N) < 0.3)
    actions = np.where(doubted, "drop", KEEP)
    alone = of(questions, length, actions).leans[0]
    together = of(replace(questions, prompts=np.arange(N) // 500), length, actions).leans[0]
    assert together.growth == alone.growth
    assert together.low != alone.low
