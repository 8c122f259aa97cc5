from pathlib import Path

import numpy as np
import pytest

from benchmarks.subset_vs_random import SETS, pairs_of, with_vectors
from curation.evaluation import evaluate_split, summarise
from curation.recipes import RECIPES

pytestmark = pytest.mark.realdata


def test_the_loaders_of_the_benchmark_find_the_known_numbers_of_pairs(data: Path) -> None:
    found = {name: len(pairs_of(load(data))) for name, load in SETS.items()}
    assert found == {"hh_harmless": 2307, "qa_feedback": 2616, "hhh": 221}


def test_an_evaluation_of_human_preferences_has_all_its_figures(data: Path) -> None:
    pairs = with_vectors(pairs_of(SETS["hhh"](data)))
    given = {"quality": np.full(len(pairs), np.nan)}
    shards = [evaluate_split(pairs, given, RECIPES["fifa"], 0.3, number) for number in range(5)]
    found = summarise(shards)
    assert found.warning is None
    assert (found.splits, found.seeds, found.pairs) == (5, 5, 221)
    for head in found.heads.values():
        assert head.full.accuracy > 0.6  # gold labels: far better than a coin
        for accuracy in (head.subset, head.random, head.full):
            assert accuracy.low is not None
            assert accuracy.high is not None
            assert 0 <= accuracy.low <= accuracy.accuracy <= accuracy.high <= 1
    assert found.composition is not None
    assert found.composition.subset.pairs == found.composition.random.pairs == found.size
    longer = found.composition.pool.longer_wins
    assert longer == pytest.approx(0.63, abs=0.01)  # as in the data's README
