"""What a verdict changes, what it leaves, and that undoing it gives back what was."""

from dataclasses import replace

import numpy as np
import pytest

from curation.audit.content import Content, nothing
from curation.audit.posterior import posterior
from curation.audit.questions import UNKNOWN, Ballots, Questions
from curation.consensus.votes import NONE, TIE, A, Anchors, B, Votes
from curation.review.queue import queue
from curation.review.update import changed, reviewed
from curation.review.verdicts import Overlay, Verdict
from tests.curation.review.test_queue import asked, unequal


def over(*verdicts: tuple[int, int], author: str = "ann") -> Overlay:
    overlay = Overlay()
    for item, said in verdicts:
        overlay = overlay.add(Verdict(item, said, author, "read it"))
    return overlay


def silent(questions: Questions) -> Content:
    return nothing(len(questions), "not asked")


def triangles(seed: int = 0, prompts: int = 60) -> Questions:
    """One label a pair, three responses a prompt, all three pairs compared; one in ten wrong."""
    n = 3 * prompts
    base = 3 * np.repeat(np.arange(prompts), 3)
    a, b = base + np.tile([0, 0, 1], prompts), base + np.tile([1, 2, 2], prompts)
    labels = (np.random.default_rng(seed).random(n) < 0.1).astype(np.int64)
    votes = Votes(np.arange(n), np.zeros(n, np.int64), labels, n, 1)
    ballots = Ballots(votes, np.zeros(n), ["one"], ["human"])
    return Questions(
        labels, np.ones(n, int), base // 3, a, b, np.full(n, UNKNOWN), ballots, np.ones(n, bool)
    )


def test_without_verdicts_nothing_changes() -> None:
    questions, _ = unequal(0)
    found = reviewed(questions, silent(questions), NONE, Overlay())
    plain = posterior(questions)
    assert found.posterior.p_a.tolist() == plain.p_a.tolist()
    assert len(found.settled) == 0


def test_a_verdict_fixes_its_pair_and_takes_it_out_of_the_queue() -> None:
    questions, _ = unequal(0)
    found = reviewed(questions, silent(questions), NONE, over((3, A), (4, B), (5, TIE)))
    assert found.posterior.p_a[[3, 4, 5]].tolist() == [1, 0, 0.5]
    assert found.questions.labels[[3, 4, 5]].tolist() == [A, B, TIE]
    assert not set(queue(found.information, list(range(400)))) & {3, 4, 5}
    assert found.anchors.items.tolist() == [3, 4]


def test_a_verdict_speaks_to_the_pairs_of_its_own_prompt_alone() -> None:
    questions = triangles()
    before = reviewed(questions, silent(questions), NONE, Overlay())
    item = int(np.flatnonzero(questions.labels == B)[0])
    after = reviewed(questions, silent(questions), NONE, over((item, A)))
    near = questions.prompts == questions.prompts[item]
    moved = np.abs(after.posterior.p_a - before.posterior.p_a)
    assert moved[near].min() > 0.01
    assert moved[~near].max() < moved[near].min() / 2  # by the common slope only


def test_verdicts_change_whom_to_believe_as_anchors_do() -> None:
    questions, _ = unequal(1)
    truth = [(i, int(said)) for i, said in enumerate(np.round(1 - posterior(questions).p_a[:40]))]
    before = reviewed(questions, silent(questions), NONE, Overlay())
    after = reviewed(questions, silent(questions), NONE, over(*truth))
    assert after.posterior.method == "anchored"
    assert not np.allclose(before.posterior.reliability, after.posterior.reliability, atol=1e-3)
    anchors = Anchors.of([(item, said == A) for item, said in truth])
    assert after.posterior.p_a.tolist() == posterior(questions, anchors).p_a.tolist()


def test_undoing_gives_back_to_the_bit_what_was() -> None:
    questions, _ = unequal(2)
    one = over((0, A), (1, B), (2, A), (3, A), (4, B), (5, A))
    two = one.add(Verdict(9, B, "bob", "the longer one is wrong"))
    undone = two.undo(7, "ann", "no, it is not")
    states = [reviewed(questions, silent(questions), NONE, each) for each in (one, two, undone)]
    assert len(changed(states[0], states[1]))
    assert states[0].posterior.p_a.tobytes() == states[2].posterior.p_a.tobytes()
    assert states[0].posterior.reliability.tobytes() == states[2].posterior.reliability.tobytes()
    assert states[0].information.tobytes() == states[2].information.tobytes()
    assert undone.at(7) == two
    assert [entry.verdict.author for entry in undone.entries[-2:]] == ["bob", "ann"]
    assert (undone.version, undone.entries[-1].undoes) == (8, 7)


@pytest.mark.parametrize("version", [0, 2, 9])
def test_only_a_verdict_that_stands_can_be_undone(version: int) -> None:
    overlay = over((0, A)).undo(1, "ann")
    for each in (version, 1):
        with pytest.raises(ValueError, match="in force"):
            overlay.undo(each, "ann")


def test_the_order_of_verdicts_means_nothing() -> None:
    questions, _ = unequal(3)
    said = [(i, i % 2) for i in range(12)]
    one, other = (
        reviewed(questions, silent(questions), NONE, over(*each)) for each in (said, said[::-1])
    )
    assert one.posterior.p_a.tobytes() == other.posterior.p_a.tobytes()


def test_exchanging_a_and_b_exchanges_what_a_verdict_does() -> None:
    questions = triangles()
    votes = questions.votes.votes
    turned = replace(
        questions,
        labels=1 - questions.labels,
        a=questions.b,
        b=questions.a,
        votes=replace(questions.votes, votes=replace(votes, said=1 - votes.said)),
    )
    one = reviewed(questions, silent(questions), NONE, over((4, A)))
    other = reviewed(turned, silent(turned), NONE, over((4, B)))
    assert one.posterior.p_a == pytest.approx(1 - other.posterior.p_a, abs=1e-9)
    assert one.information == pytest.approx(other.information, abs=1e-9)


def test_the_last_word_of_one_author_counts_and_two_who_disagree_leave_it_open() -> None:
    questions, _ = unequal(4)
    changed_mind = over((7, A)).add(Verdict(7, B, "ann"))
    found = reviewed(questions, silent(questions), NONE, changed_mind)
    assert found.posterior.p_a[7] == 0
    split = reviewed(questions, silent(questions), NONE, changed_mind.add(Verdict(7, A, "bob")))
    assert len(split.settled) == 0
    assert 7 in queue(split.information, list(range(400)))


def test_the_same_two_answers_on_another_line_get_the_same_verdict() -> None:
    votes = Votes(np.arange(4), np.zeros(4, np.int64), np.array([A, B, A, A]), 4, 1)
    questions = replace(
        asked(votes, np.array([A, B, A, A])),
        prompts=np.array([0, 0, 0, 1]),
        a=np.array([1, 2, 5, 9]),
        b=np.array([2, 1, 5, 8]),
    )
    found = reviewed(questions, silent(questions), NONE, over((0, B), (2, B)))
    assert found.posterior.p_a[:3].tolist() == [0, 1, 0]
    assert found.settled.tolist() == [0, 1, 2]


def test_a_verdict_has_the_last_word_over_a_verified_answer_of_the_input() -> None:
    questions, _ = unequal(5)
    given = Anchors(np.array([0, 1]), np.array([True, True]))
    found = reviewed(questions, silent(questions), given, over((0, B), (1, TIE)))
    assert found.posterior.p_a[:2].tolist() == [0, 0.5]
    assert found.anchors.items.tolist() == [0]


def test_a_verdict_on_no_pair_or_of_no_side_is_refused() -> None:
    questions, _ = unequal(6)
    with pytest.raises(ValueError, match="no pair 400"):
        reviewed(questions, silent(questions), NONE, over((400, A)))
    with pytest.raises(ValueError, match="a, b or tie"):
        over((0, 3))


def test_the_first_verdict_already_changes_whom_to_believe() -> None:
    questions, _ = unequal(7)
    before = reviewed(questions, silent(questions), NONE, Overlay())
    item = int(np.argmax(before.posterior.p_a))
    after = reviewed(questions, silent(questions), NONE, over((item, B)))
    votes = questions.votes.votes
    wrong = np.unique(votes.annotators[(votes.items == item) & (votes.said == A)])
    assert (after.posterior.reliability[wrong] < before.posterior.reliability[wrong]).all()
