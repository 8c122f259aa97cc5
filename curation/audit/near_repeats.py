"""Questions asked again in nearly the same words, and labels that contradict each other there."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from curation.audit.questions import Questions
from curation.consensus.votes import A
from curation.grouping.near_duplicates import near_duplicates
from curation.items import Floats
from curation.noise.contradictions import repeated

ALIKE = 0.9  # Jaccard index of word pairs; a changed number or name is another question


def near_repeats(questions: Questions) -> tuple[Floats, Floats]:
    """(n,) each: how many labels nearly the same questions have, and the share that disagrees.

    Prompts alike but not equal, and responses alike or equal, either way round;
    pairs whose two responses are alike say nothing. Labels of one prompt are left to `repeats` and
    `graph`.
    """
    n = len(questions)
    others, against = np.zeros(n), np.zeros(n)
    if questions.texts is None:
        return others, against
    rows = np.flatnonzero(questions.decided)
    prompts, a, b = groups(questions, rows)
    rows, prompts, a, b = (each[a != b] for each in (rows, prompts, a, b))
    better = questions.labels[rows] == A
    near = repeated(prompts.tolist(), a.tolist(), b.tolist(), better)
    own = asked(questions, rows)
    same = repeated(list(zip(prompts.tolist(), own.tolist(), strict=True)), a.tolist(),
                    b.tolist(), better)  # fmt: skip
    count = near[0] - same[0]
    wrong = near[0] * near[1] - same[0] * same[1]
    others[rows] = count
    against[rows] = np.where(count > 0, wrong / np.maximum(count, 1), 0.0)
    return others, against


def asked(questions: Questions, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each row's prompt, without regard to case and white space."""
    texts, known = questions.texts or [], dict[str, int]()
    said = (" ".join(texts[row][0].casefold().split()) for row in rows.tolist())
    return np.array([known.setdefault(each, len(known)) for each in said], np.int64)


def groups(
    questions: Questions, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each row: the number of its prompt's group, and of its responses'. Responses are looked at
    only where a prompt is like another one: most sets have none."""
    texts = questions.texts or []
    of_prompt = grouped([texts[row][0] for row in rows.tolist()])
    own = asked(questions, rows)
    pairs = np.unique(np.column_stack([of_prompt, own]), axis=0)
    crowded = np.bincount(pairs[:, 0], minlength=len(rows) + 1)[of_prompt] > 1
    kept = np.flatnonzero(crowded).tolist()
    found = np.column_stack([np.zeros(len(rows), np.int64), np.ones(len(rows), np.int64)])
    said = [texts[int(rows[at])][side] for side in (1, 2) for at in kept]
    found[kept] = grouped(said).reshape(2, -1).T
    lone = np.arange(len(rows)) + len(rows)
    return np.where(crowded, of_prompt, lone), found[:, 0], found[:, 1]


def grouped(texts: Sequence[str]) -> NDArray[np.int64]:
    """(n,): equal numbers for equal texts and for texts alike."""
    distinct = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    joined = components(len(distinct), near_duplicates(list(distinct), ALIKE, crowds=False))
    return joined[[distinct[text] for text in texts]] if texts else np.zeros(0, np.int64)


def components(size: int, found: Iterable[tuple[int, ...]]) -> NDArray[np.int64]:
    if size == 0:
        return np.zeros(0, np.int64)
    ends = [(group[0], other) for group in found for other in group[1:]]
    one, other = np.array(ends, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(ends), np.int8), (one, other)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
