"""The quick update of a large set: exact with anchors, and never more than what verdicts say."""

import numpy as np

from curation.audit.posterior import posterior
from curation.audit.questions import Questions
from curation.consensus.anchored import fit
from curation.consensus.votes import NONE, TIE, A, B
from curation.models.bradley_terry import fit_heads
from curation.review.nearby import reviewed_nearby
from curation.review.update import Reviewed, reviewed
from curation.review.verdicts import Overlay, Verdict
from tests.curation.review.test_queue import unequal
from tests.curation.review.test_update import over, silent, triangles

RIDGE = 3.0


def nearby(questions: Questions, overlay: Overlay) -> Reviewed:
    start = posterior(questions)
    return reviewed_nearby(questions, float("nan"), NONE, overlay, start, RIDGE)


def test_with_five_verdicts_and_several_voters_it_is_the_whole_update() -> None:
    questions, _ = unequal(0)
    overlay = over((3, A), (4, B), (5, TIE), (6, A), (7, A), (8, B), (9, A))
    quick = nearby(questions, overlay)
    whole = reviewed(questions, silent(questions), NONE, overlay, RIDGE)
    assert quick.posterior.p_a.tolist() == whole.posterior.p_a.tolist()
    assert quick.posterior.reliability.tolist() == whole.posterior.reliability.tolist()
    np.testing.assert_array_equal(quick.information, whole.information)
    assert quick.settled.tolist() == whole.settled.tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_fewer_verdicts_fix_their_pairs_and_leave_the_others() -> None:
    questions = triangles()
    quick = nearby(questions, over((0, B), (1, TIE)))
    assert quick.posterior.p_a[:2].tolist() == [0, 0.5]
    assert quick.posterior.p_a[2:].tolist() == posterior(questions).p_a[2:].tolist()
    assert quick.information[:2].tolist() == [0, 0]


def test_undoing_gives_back_what_was_and_the_start_is_untouched() -> None:
    questions, _ = unequal(0)
    start = posterior(questions)
    before = start.p_a.tolist()
    overlay = over((3, A), (4, B), (6, A), (7, A), (8, B))
    for version in range(1, 6):
        overlay = overlay.undo(version, "ann")
    for each in (over((3, B)), overlay):
        found = reviewed_nearby(questions, float("nan"), NONE, each, start, RIDGE)
    assert found.posterior.p_a.tolist() == start.p_a.tolist() == before
    assert found.information.tolist() == nearby(questions, Overlay()).information.tolist()


def test_who_is_twice_in_the_set_is_answered_twice() -> None:
    questions = triangles()
    doubled = Questions(
        *(np.concatenate([column, column]) for column in (
            questions.labels, questions.n_labels, questions.prompts, questions.a, questions.b,
            questions.truth,
        )),
        votes=triangles(prompts=120).votes,
        compared=np.concatenate([questions.compared, questions.compared]),
    )  # fmt: skip
    found = nearby(doubled, Overlay().add(Verdict(7, B, "ann")))
    assert found.posterior.p_a[[7, 7 + len(questions)]].tolist() == [0, 0]


def test_the_head_is_the_same_whichever_way_it_is_solved() -> None:
    """More annotators than anchors, and more anchors than annotators."""
    rng = np.random.default_rng(0)
    for shape in ((12, 40), (40, 12)):
        rows = rng.integers(-1, 2, shape).astype(float)
        wanted = fit_heads(rows, np.ones((shape[0], 1)), RIDGE)[:, 0]
        np.testing.assert_allclose(fit(rows, RIDGE), wanted, atol=1e-6)
