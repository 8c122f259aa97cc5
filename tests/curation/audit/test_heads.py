"""S12 over the text heads, and what they learn from sources."""

import numpy as np
import pytest
from scipy.special import logit

from curation.audit.heads import doubts, judged_by_heads
from curation.items import Pairs
from curation.models.ensemble import Plan

WORDS = ["river", "stone", "light", "house", "green", "paper", "window", "quiet", "silver"]


def test_the_worked_decomposition_over_heads() -> None:
    """Heads that say .9 and .8: total .6098 bits, each head alone .5955, their difference .0144."""
    plan = Plan(("style",), folds=3, bootstraps=2, seed=0)
    arrays = {"seen": np.zeros(0), "slope": np.ones(3)}
    margin = np.tile(logit([0.9, 0.8]), (1, 3, 1))
    expected, mutual = doubts(["a prompt"], plan, arrays, margin)
    assert expected[0] == pytest.approx(0.5955, abs=1e-4)
    assert mutual[0] == pytest.approx(0.0144, abs=1e-4)
    assert expected[0] + mutual[0] == pytest.approx(0.6098, abs=1e-4)
    swapped = doubts(["a prompt"], plan, arrays, -margin)
    np.testing.assert_allclose(swapped, (expected, mutual))


def test_a_fold_is_judged_by_its_own_heads_alone() -> None:
    plan = Plan(("style",), folds=2, bootstraps=2, seed=0)
    names = [f"p{i}" for i in range(8)]
    from curation.models.ensemble import fold_of, prompt_keys

    arrays = {"seen": np.sort(prompt_keys(names)), "slope": np.ones(2)}
    margin = np.zeros((8, 2, 2))
    margin[:, 1] = 40.0  # the second fold's heads are sure
    expected, _ = doubts(names, plan, arrays, margin)
    np.testing.assert_allclose(expected, np.where(fold_of(names, plan) == 1, 0.0, 1.0), atol=1e-6)


def sourced(n: int = 150) -> Pairs:
    """The better answer repeats its source; both are of random words and as long."""
    rng = np.random.default_rng(0)
    sources = [" ".join(rng.choice(WORDS, 6).tolist()) for _ in range(n)]
    others = [" ".join(rng.choice(WORDS, 6).tolist()) for _ in range(n)]
    ids = [str(i) for i in range(n)]
    grounds = {"sources": sources, "reference": [""] * n}
    return Pairs(ids, ids, ["Say it."] * n, sources, others, grounds=grounds)


def test_heads_learn_that_the_better_answer_keeps_to_its_source() -> None:
    pairs = sourced()
    rows = np.arange(len(pairs))
    blind = judged_by_heads(pairs, rows, ("style", "words"), seed=0)
    seeing = judged_by_heads(pairs, rows, ("style", "words", "sources", "reference"), seed=0)
    assert blind is not None
    assert seeing is not None
    assert blind.metrics["oof_accuracy"] < 0.65
    assert seeing.metrics["oof_accuracy"] > 0.8
    assert np.mean(seeing.expected) < np.mean(blind.expected)
    assert judged_by_heads(pairs.take(rows[:8]), rows[:8], ("style",), seed=0) is None
