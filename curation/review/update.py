"""What verdicts change: the pair, the same question on other lines, its prompt, its annotators."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curation.audit.assess import content_p_a, told_by_graph
from curation.audit.content import Content
from curation.audit.posterior import Posterior, posterior
from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A, Anchors
from curation.items import Floats
from curation.review.queue import expected_information
from curation.review.verdicts import Overlay

CHANGED = 1e-9


@dataclass(frozen=True)
class Reviewed:
    """A review at one version. `questions` with the relabels over them, `posterior` and `anchors`
    with the verdicts among them; `settled` items that a verdict answers; `information` (n,), see
    `queue`."""

    version: int
    questions: Questions
    anchors: Anchors
    posterior: Posterior
    settled: NDArray[np.int64]
    information: Floats


def reviewed(
    questions: Questions,
    content: Content,
    anchors: Anchors,
    overlay: Overlay,
    ridge: float | None = None,
) -> Reviewed:
    """A function of the verdicts in force alone: undoing one gives back, to the bit, what was.

    A verdict is an anchor: it fixes the posterior of its pair, and of the same two answers to the
    same prompt on other lines; over an input's verified answer it has the last word. It adds no
    vote, but it calibrates annotators as anchors do, and speaks to the other pairs of its prompt
    as a label does. A tie leaves the pair at one half and anchors nothing. `ridge` as in
    `posterior`.
    """
    items, said = answered(settled(questions, overlay))
    labels, compared = questions.labels.copy(), questions.compared.copy()
    labels[items], compared[items] = said, True
    relabelled = replace(questions, labels=labels, compared=compared)
    known = with_verdicts(anchors, items, said)
    witnesses = {"graph": told_by_graph(relabelled)}
    from_texts = content_p_a(questions, content)
    if from_texts is not None:
        witnesses = {"content": from_texts, **witnesses}
    found = posterior(relabelled, known, witnesses, ridge)
    found.p_a[items[said == TIE]] = 0.5
    closed = np.union1d(items, known.items)
    worth = expected_information(relabelled, found, content.accuracy, closed)
    return Reviewed(overlay.version, relabelled, known, found, items, worth)


def answered(answers: dict[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items in their order, and what is said of each."""
    items = np.array(sorted(answers), np.int64)
    return items, np.array([answers[item] for item in items.tolist()], np.int64)


def settled(questions: Questions, overlay: Overlay) -> dict[int, int]:
    """Item -> A, B or TIE. Of one author the last word counts; where authors disagree about a
    question it is open again."""
    name, turned = same_questions(questions)
    words: dict[int, dict[str, int]] = {}
    for entry in overlay.in_force():
        item, said = entry.verdict.item, entry.verdict.said
        if not 0 <= item < len(questions):
            raise ValueError(f"no pair {item}")
        oriented = 1 - said if turned[item] and said != TIE else said
        words.setdefault(int(name[item]), {})[entry.verdict.author] = oriented
    agreed = {key: set(each.values()) for key, each in words.items()}
    answers: dict[int, int] = {}
    for item in np.flatnonzero(np.isin(name, list(agreed))).tolist():
        found = agreed[int(name[item])]
        if len(found) == 1:
            (said,) = found
            answers[item] = 1 - said if turned[item] and said != TIE else said
    return answers


def same_questions(questions: Questions) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n,) a number for each unordered pair of responses, and whether a row names it b first. Two
    answers that are the same text have no order: each row stands alone."""
    low, high = np.minimum(questions.a, questions.b), np.maximum(questions.a, questions.b)
    alone = np.where(low == high, np.arange(len(low)), -1)
    _, name = np.unique(
        np.column_stack([questions.prompts, low, high, alone]), axis=0, return_inverse=True
    )
    return name.ravel(), questions.a > questions.b


def with_verdicts(anchors: Anchors, items: NDArray[np.int64], said: NDArray[np.int64]) -> Anchors:
    known = dict(zip(anchors.items.tolist(), anchors.a_better.tolist(), strict=True))
    for item, answer in zip(items.tolist(), said.tolist(), strict=True):
        known.pop(item, None)
        if answer != TIE:
            known[item] = answer == A
    return Anchors.of(sorted(known.items()))


def changed(before: Reviewed, after: Reviewed) -> NDArray[np.int64]:
    """Items whose posterior moved."""
    return np.flatnonzero(np.abs(before.posterior.p_a - after.posterior.p_a) > CHANGED)
