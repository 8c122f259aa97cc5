"""Groups of annotators, candidates, topics: planted truths, references, and what they refuse."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from curation.audit.candidates import mean_cosines, unit_rows
from curation.audit.minds import minds
from curation.audit.questions import UNKNOWN, Ballots, Questions, Voice
from curation.consensus.votes import A, B, Votes
from curation.models.topics import topics
from curation.structure.homogeneity import homogeneity

WORDS = ["river", "stone", "light", "house", "green", "paper", "window", "silver"]


def opposite_tastes(annotators: int, labels: int, seed: int) -> tuple[Questions, list[bool]]:
    """Pairs of differing length; the first 80 % of annotators mostly take the longer one."""
    rng = np.random.default_rng(seed)
    n = annotators * labels
    sizes = rng.integers(3, 60, (n, 2))
    said_of = [[" ".join(rng.choice(WORDS, size)) for size in row] for row in sizes]
    texts = [("Why?", a, b) for a, b in said_of]
    likes = [who < 0.8 * annotators for who in range(annotators)]
    who = np.repeat(np.arange(annotators), labels)
    longer = (sizes[:, 0] > sizes[:, 1]) == (rng.random(n) < 0.9)
    said = np.where(longer == np.array(likes)[who], A, B)
    names = [f"p{k}" for k in range(annotators)]
    votes = Votes(np.arange(n), who, said, n, annotators)
    ballots = Ballots(
        votes, np.zeros(n), names, ["human"] * annotators, np.zeros(n),
        [Voice(name, None, "comparison") for name in names],
    )  # fmt: skip
    ends = np.arange(n)
    one = np.ones(n, np.int64)
    return Questions(
        said, one, ends, 2 * ends, 2 * ends + 1, np.full(n, UNKNOWN), ballots, one > 0, texts
    ), likes


@pytest.mark.parametrize("seed", range(3))
def test_groups_of_opposite_taste_are_found_at_twenty_labels_each(seed: int) -> None:
    questions, likes = opposite_tastes(40, 20, seed)
    found = minds(questions, seed)
    assert adjusted_rand_score(likes, found.of) >= 0.9
    assert len(found.groups) == 2
    assert found.groups[0].tastes["characters"] > 0 > found.groups[1].tastes["characters"]


def test_too_few_labels_or_annotators_make_no_groups() -> None:
    for annotators, labels in ((40, 19), (5, 30)):
        found = minds(opposite_tastes(annotators, labels, 0)[0])
        assert not found.groups
        assert (found.why or "").startswith("too few labels")
        assert (found.of == -1).all()


def test_cosines_of_candidates_are_those_of_the_dense_reference() -> None:
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(6), [2, 3, 4, 2, 5, 2])
    texts = [" ".join(rng.choice(WORDS, 5)) for _ in prompts]
    unit = unit_rows(texts)
    expected = homogeneity(prompts, np.asarray(unit.todense())).mean_cosine
    np.testing.assert_allclose(mean_cosines(prompts, unit), expected, atol=1e-9)
    same = mean_cosines(np.zeros(3, np.int64), unit_rows(["one and the same"] * 3))
    assert same[0] == pytest.approx(1)


def test_prompts_about_different_things_have_different_topics() -> None:
    subjects = {
        "cooking": [
            "bread",
            "oven",
            "flour",
            "butter",
            "recipe",
            "sugar",
            "kettle",
            "spoon",
            "pastry",
            "salt",
        ],
        "law": [
            "contract",
            "court",
            "tenant",
            "lawsuit",
            "judge",
            "clause",
            "lawyer",
            "verdict",
            "appeal",
        ],
    }
    rng = np.random.default_rng(0)
    about = [name for name in subjects for _ in range(80)]
    prompts = [f"{' '.join(rng.choice(subjects[name], 4))} {i}" for i, name in enumerate(about)]
    found = topics(prompts, wanted=2)
    assert found is not None
    assert adjusted_rand_score(about, found) == 1
    assert topics(prompts, wanted=2) == found
    named = set(", ".join(sorted(set(found))).split(", "))
    assert named <= {word for words in subjects.values() for word in words}
    assert topics(prompts[:50]) is None
    assert topics(["the"] * 200) is None
