"""A03 and D05: annotators of like mind, and how calibrated posteriors are for each group."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curation.audit.habits import style_differences
from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A
from curation.items import Floats
from curation.structure.groups import like_minded
from curation.uncertainty.calibration import Bin, calibration_error, likelier_side, reliability

LEAST_LABELS, LEAST_ANNOTATORS = 20, 6
MOST_LABELS = 6_000  # from which groups are learnt, equally many an annotator
TASTES = (
    "characters", "lists", "headers", "bold", "code_blocks", "questions", "exclamations",
    "refusals", "digits", "prompt_overlap",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """`tastes`: property -> log-odds a standard deviation by which the group prefers it;
    `accuracy` of those on its members' labels."""

    members: list[str]
    labels: int
    accuracy: float
    tastes: dict[str, float]


@dataclass(frozen=True)
class Minds:
    """Largest group first; empty, with `why`, where there are too few labels. `criterion`: BIC by
    number of groups, the lowest is taken. `of` (annotators,) the group of each, −1 for none."""

    groups: list[Group]
    criterion: dict[int, float]
    of: NDArray[np.int64]
    why: str | None = None


def minds(questions: Questions, seed: int = 0) -> Minds:
    """Of annotators with at least 20 decided comparisons of texts, if they are at least 6."""
    votes = questions.votes.votes
    nobody = np.full(votes.n_annotators, -1)
    if questions.texts is None:
        return Minds([], {}, nobody, "not identified: the responses are not texts")
    labels, rows = usable(questions)
    eligible = np.flatnonzero(labels >= LEAST_LABELS)
    if len(eligible) < LEAST_ANNOTATORS:
        why = (
            f"too few labels: {len(eligible)} annotators compared {LEAST_LABELS} pairs, groups "
            f"need {LEAST_ANNOTATORS}"
        )
        return Minds([], {}, nobody, why)
    chosen = sample(votes.annotators, rows, eligible, seed)
    items, at = np.unique(votes.items[chosen], return_inverse=True)
    who = np.searchsorted(eligible, votes.annotators[chosen])
    found = like_minded(tastes(questions, items)[at], who, votes.said[chosen] == A, seed=seed)
    of = nobody.copy()
    of[eligible] = found.of
    groups = [
        Group(
            sorted(questions.votes.names[i] for i in np.flatnonzero(of == group).tolist()),
            int(labels[of == group].sum()), float(found.accuracy[group]),
            dict(sorted(zip(TASTES, found.heads[group].tolist(), strict=True),
                        key=lambda taste: -abs(taste[1]))),
        )
        for group in range(len(found)) if (of == group).any()
    ]  # fmt: skip
    return Minds(groups, found.criterion, of)


def tastes(questions: Questions, items: NDArray[np.int64]) -> Floats:
    """(items, tastes) of a − b, each of mean square 1; 0 where one never differs."""
    texts = questions.texts or ()
    names, differences = style_differences(
        replace(questions, texts=[texts[item] for item in items.tolist()])
    )
    x = differences[:, [names.index(taste) for taste in TASTES]]
    size = np.sqrt((x**2).mean(axis=0))
    return np.where(size > 0, x / np.where(size > 0, size, 1), 0.0)


def usable(questions: Questions) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(annotators,) decided comparisons overall, and (votes,) whether one is."""
    votes, voices = questions.votes.votes, questions.votes.voices
    direct = np.array([v.protocol == "comparison" and v.aspect is None for v in voices], bool)
    if not len(voices):
        direct = np.ones(votes.n_annotators, bool)
    rows = direct[votes.annotators] & (votes.said != TIE)
    return np.bincount(votes.annotators[rows], minlength=votes.n_annotators), rows


def sample(
    annotators: NDArray[np.int64], rows: NDArray[np.bool_], eligible: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Votes of the eligible, of each at most its share of MOST_LABELS, drawn at random."""
    taken = np.flatnonzero(rows & np.isin(annotators, eligible))
    order = np.random.default_rng(seed).permutation(len(taken))
    mixed = taken[order[np.argsort(annotators[taken[order]], kind="stable")]]
    counts = np.bincount(annotators[mixed])
    place = np.arange(len(mixed)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(mixed[place < max(MOST_LABELS // len(eligible), LEAST_LABELS)])


@dataclass(frozen=True)
class Calibration:
    """Of what was said of a group's votes by what did not see them: `by` the texts, or the others'
    votes. `error` 0 (calibrated) .. 1 over `votes`; None, with `why`, on fewer than 20."""

    group: str
    by: str
    votes: int
    accuracy: float | None
    error: float | None
    table: list[Bin]
    why: str | None = None


def calibrations(
    questions: Questions, from_texts: Floats | None, found: Minds
) -> list[Calibration]:
    """By kind of annotator, and by group of like mind. `from_texts` (n,) P(a better) out of fold,
    None where there is no scorer: then each vote is held against the others on its pair."""
    votes = questions.votes.votes
    kinds = np.array(questions.votes.kinds, object)
    p, by = foretold(questions, from_texts)
    decided = (votes.said != TIE) & np.isfinite(p)
    groups = {str(kind): kinds == kind for kind in sorted(set(questions.votes.kinds))}
    if len(found.groups) > 1:
        groups |= {f"like mind {g + 1}": found.of == g for g in range(len(found.groups))}
    return [
        calibration(name, by, p[rows], votes.said[rows] == A)
        for name, members in groups.items()
        for rows in [decided & members[votes.annotators]]
    ]


def foretold(questions: Questions, from_texts: Floats | None) -> tuple[Floats, str]:
    """(votes,): P(a better) without the vote itself, NaN where nobody else spoke."""
    votes = questions.votes.votes
    if from_texts is not None:
        return from_texts[votes.items], "texts"
    for_a = np.where(votes.said == TIE, 0.5, (votes.said == A).astype(np.float64))
    total = np.bincount(votes.items, for_a, questions.votes.votes.n_items)[votes.items] - for_a
    others = np.bincount(votes.items, minlength=votes.n_items)[votes.items] - 1
    return np.where(others > 0, (total + 1) / (others + 2), np.nan), "the others' votes"


def calibration(name: str, by: str, p_a: Floats, said_a: NDArray[np.bool_]) -> Calibration:
    if len(p_a) < LEAST_LABELS:
        why = f"too few labels: {len(p_a)}"
        return Calibration(name, by, len(p_a), None, None, [], why)
    p, correct = likelier_side(p_a, said_a)
    table = reliability(p, correct)
    return Calibration(name, by, len(p_a), float(correct.mean()), calibration_error(table), table)
