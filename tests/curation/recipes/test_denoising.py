"""The recipes that judge labels, whole, on pairs whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from curation.items import Pairs
from curation.recipes import RECIPES, Budget, Recipe, apply
from curation.signals.cross_fitted import CrossFitted
from tests.curation.evaluation.learnable import learnable, truth

N, FLIPS = 400, 0.1
JUDGING = (
    "secrets2", "lcpo", "rdpo", "conformal_clean", "self_refine", "skywork_v2", "mirroring_users",
    "wimhf_audit", "audit_only", "hybrid_routing",
)  # fmt: skip


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """One in ten labels is wrong; of 220 pairs a verified answer is known, and models label too:
    right in seven cases of ten."""
    found = learnable(N, seed=5, flips=FLIPS)
    right, rng = truth(found) > 0, np.random.default_rng(0)
    known = rng.permutation(N) < 220
    models = np.where(rng.random(N) < 0.7, right, ~right).astype(np.float64)
    facts = {
        "gold": np.where(known, right, np.nan), "model_share": models,
        "votes": np.ones(N), "agreement": np.ones(N), "annotator": np.full(N, 3.0),
    }  # fmt: skip
    asked = ["word " * size for size in rng.integers(1, 40, N).tolist()]
    fields = {"source": ["a", "b"] * (N // 2)}
    return replace(found, prompts=asked, facts=facts, fields=fields)


def with_few_heads(recipe: Recipe) -> Recipe:
    """Without those that read words: here they say nothing."""
    few = {"heads": ("prompt_response", "response", "style")}
    signals = {
        name: signal.model_copy(update=few) if isinstance(signal, CrossFitted) else signal
        for name, signal in recipe.signals.items()
    }
    return recipe.model_copy(update={"signals": signals})


@pytest.mark.parametrize("name", JUDGING)
def test_a_recipe_meets_what_it_expects(name: str, pairs: Pairs) -> None:
    recipe = with_few_heads(RECIPES[name])
    pool = apply.pool(recipe, pairs, {})
    k = Budget.parse(recipe.budget).count(len(pairs))
    found = recipe.selector.select(pool, k, 0)
    assert len(found.order) > 0
    assert found.degraded == ()
    assert all(one.met for one in apply.check(recipe, pool, found, k))
    for term in recipe.outputs.values():
        assert np.isfinite(pool.scores[term]).any()
    kept = (truth(pairs) > 0)[found.order].mean()
    if name in ("secrets2", "conformal_clean", "skywork_v2"):
        assert kept > 1 - FLIPS + 0.02
