import dataclasses

import numpy as np
import orjson
import pytest

from curation.evaluation import Evaluation, evaluate_split, summarise
from curation.items import Floats, Pairs, View
from curation.recipes import RECIPES, Recipe
from tests.curation.evaluation.learnable import learnable, truth

FIFA = RECIPES["fifa"]
NO_QUALITY: dict[str, float] = {"alpha": 0}
QUICK = FIFA.model_copy(
    update={
        "signals": {
            **FIFA.signals,
            "margin": FIFA.signals["margin"].model_copy(
                update={"heads": ("response",), "bootstraps": 3}
            ),
        },
        "selector": FIFA.selector.model_copy(update=NO_QUALITY),
    }
)


def evaluated(
    pairs: Pairs, recipe: Recipe, fraction: float, splits: int = 5, sign: Floats | None = None
) -> Evaluation:
    given = {"quality": np.full(len(pairs), np.nan)}
    return summarise(
        [
            evaluate_split(pairs, given, recipe, fraction, number, sign=sign)
            for number in range(splits)
        ]
    )


def test_with_30_percent_planted_flips_fifa_is_better_than_random() -> None:
    pairs = learnable(600, seed=3, flips=0.3)
    found = evaluated(pairs, QUICK, 0.15, sign=truth(pairs))
    assert found.better_than_random is True
    assert all(head.difference.low is not None for head in found.heads.values())
    assert found.difference is not None
    assert found.difference.mean > 0.05


def test_with_random_labels_nothing_is_better_than_random() -> None:
    found = evaluated(learnable(300, seed=4, flips=0.5), QUICK, 0.2)
    assert found.better_than_random is False


def test_random_itself_is_not_better_than_random() -> None:
    found = evaluated(learnable(200, seed=5), RECIPES["random"], 0.2)
    assert found.better_than_random is False
    assert found.difference is not None
    assert abs(found.difference.mean) < 0.1


def test_everything_is_no_better_than_everything() -> None:
    found = evaluated(learnable(120, seed=5), RECIPES["random"], 1.0, splits=2)
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(0, abs=1e-9)
    assert found.subset == found.full
    assert found.better_than_random is False


def test_the_top_level_is_the_independent_head() -> None:
    found = evaluated(learnable(120, seed=6), RECIPES["random"], 0.5, splits=2)
    top = found.heads["independent"]
    assert (found.judge, found.subset, found.difference) == (top.judge, top.subset, top.difference)
    assert set(found.heads) == {"selecting", "independent"}
    assert (found.splits, found.seeds) == (2, 5)


def test_a_shard_is_small_json_and_depends_neither_on_the_order_nor_on_the_run() -> None:
    pairs = learnable(120, seed=7, flips=0.1)
    quality = np.random.default_rng(0).random(120)
    first = evaluate_split(pairs, {"quality": quality}, QUICK, 0.2, 3)
    rows = np.random.default_rng(1).permutation(120)
    second = evaluate_split(pairs.take(rows), {"quality": quality[rows]}, QUICK, 0.2, 3)
    assert first == second
    assert len(orjson.dumps(first)) < 2000
    assert first != evaluate_split(pairs, {"quality": quality}, QUICK, 0.2, 3, seed=1)


def test_labels_known_to_be_wrong_count_the_other_way_round() -> None:
    pairs = learnable(200, seed=8)
    right = evaluate_split(pairs, {}, RECIPES["random"], 0.5, 0)
    wrong = evaluate_split(pairs, {}, RECIPES["random"], 0.5, 0, sign=-np.ones(200))
    for head in ("selecting", "independent"):
        assert wrong["heads"][head]["full"] == pytest.approx(1 - right["heads"][head]["full"])


def test_few_pairs_give_figures_and_a_warning_but_no_verdict() -> None:
    found = evaluated(learnable(40, seed=9), RECIPES["random"], 0.5, splits=5)
    assert found.better_than_random is None
    assert found.subset is not None
    assert found.warning is not None
    assert "40 pairs" in found.warning


@pytest.mark.parametrize("n", [0, 1, 4])
def test_almost_no_pairs_give_a_reason(n: int) -> None:
    found = evaluated(learnable(40, seed=9).take(np.arange(n)), RECIPES["random"], 0.5, splits=5)
    assert found.report() == {"reason": "fewer than 5 prompts: no fold can be held out"}
    assert found.better_than_random is None


def test_equal_responses_are_a_coin_toss() -> None:
    pairs = learnable(100, seed=2)
    vectors = dict.fromkeys(pairs.vectors, pairs.vectors[View.chosen])
    same = dataclasses.replace(pairs, rejected=pairs.chosen, vectors=vectors)
    found = evaluated(same, RECIPES["random"], 0.5, splits=2)
    assert found.full is not None
    assert (found.full.accuracy, found.full.low, found.full.high) == (0.5, 0.5, 0.5)


def test_above_the_limit_a_sample_stands_for_all_and_the_report_says_so() -> None:
    pairs = learnable(150, seed=10)
    parts = [
        evaluate_split(pairs, {}, RECIPES["random"], 0.5, number, max_pairs=110)
        for number in range(2)
    ]
    found = summarise(parts)
    assert found.pairs == 110
    assert found.warning == "measured on 110 randomly chosen of 150 pairs"


def test_a_subset_is_compared_with_random_draws_of_its_own_size() -> None:
    capped = RECIPES["top_margin"].model_copy(
        update={"signals": QUICK.signals, "selector": RECIPES["top_margin"].selector}
    )
    parts = evaluate_split(learnable(150, seed=11), {}, capped, 0.1, 0)
    sizes = {part["pairs"] for name, part in parts["composition"].items() if name != "pool"}
    assert sizes == {parts["size"]} == {12}
