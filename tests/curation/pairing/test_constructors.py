"""The worked numbers of the catalogue (C03, W01, W03, A03), and what else constructors promise."""

from collections import Counter
from math import inf
from random import Random

import numpy as np
import pytest

from curation.models.desirability import balance, weight
from curation.pairing import POLICY
from curation.pairing.best_known import BestKnown
from curation.pairing.labels import Candidate, Judged, Ranked, Rated
from curation.pairing.list_weights import lambda_weight, list_weight
from curation.pairing.percentiles import Percentiles, percentiles
from curation.pairing.rso import acceptance, sampled
from curation.pairing.soft_and import SoftAnd, centred
from curation.structure.egalitarian import balanced, best_policy

SCORED = Judged(
    "p",
    {name: Candidate(name, None, {"m": float(m), "n": n / 10}) for name, m, n in
     [("a", 0, 5), ("b", 1, 1), ("c", 2, 9), ("d", 2, 7)]},
)  # fmt: skip


def test_rejection_sampling_accepts_as_the_worked_example_says() -> None:
    found = acceptance([0, 1, 2], 0.5)
    assert found == pytest.approx([0.0183, 0.1353, 1], abs=5e-5)
    assert sum(found) / 3 == pytest.approx(0.3846, abs=1e-4)


def test_without_temperature_the_best_are_taken_and_with_much_all_alike() -> None:
    assert acceptance([0, 1, 2], 0) == [0, 0, 1]
    assert acceptance([0, 1, 2], inf) == [1, 1, 1]
    best, refused = sampled([0, 3, 1, 3, 2], 3, 0, Random(0))
    assert (sorted(best[:2]), best[2], refused) == ([1, 3], 4, 0)


@pytest.mark.parametrize(
    ("scores", "beta"), [([0, 1, 2, 3], 1e9), ([1, 1, 1, 1], 0.0), ([1] * 4, 0.5)]
)
def test_candidates_that_are_alike_are_kept_equally_often(scores: list[float], beta: float) -> None:
    """Each with ½; five standard deviations of 2,000 draws are .056."""
    kept = Counter(
        place for seed in range(2000) for place in sampled(scores, 2, beta, Random(seed))[0]
    )
    assert all(abs(kept[place] / 2000 - 0.5) < 0.056 for place in range(4))


def test_equal_ratings_keep_other_candidates_in_other_prompts_in_any_order_of_rows() -> None:
    policy = POLICY.validate_python(
        {"kind": "rso", "by": {"label": "scores", "name": "n"}, "keep": 2, "beta": 1e9}
    )
    names = ["a", "b", "c", "d"]
    drawn: set[frozenset[str]] = set()
    for prompt in range(40):
        said = {name: Candidate(name, None, {"n": float(i)}) for i, name in enumerate(names)}
        turned = {name: said[name] for name in reversed(names)}
        built = policy.build(Judged(str(prompt), said))
        assert built == policy.build(Judged(str(prompt), turned))
        drawn |= {frozenset((pair.chosen, pair.rejected)) for pair in built.pairs}
    assert len(drawn) == 6


@pytest.mark.parametrize("beta", [0.0, 0.1, 1.0, 100.0])
def test_no_place_is_taken_twice_and_equal_candidates_are_two_draws(beta: float) -> None:
    drawn, _ = sampled([1, 1, 1, 0, 5], 5, beta, Random(3))
    assert sorted(drawn) == [0, 1, 2, 3, 4]


def test_the_better_candidate_is_drawn_first_as_often_as_it_should_be() -> None:
    """Of two, 0 and 1, beta 1, the optimal policy draws the worse one with 1 / (1 + e)."""
    worse = sum(sampled([0, 1], 1, 1.0, Random(seed))[0] == [0] for seed in range(4000))
    assert worse / 4000 == pytest.approx(1 / (1 + np.e), abs=0.03)


@pytest.mark.parametrize(("rounds", "pairs"), [("first_round", 2), ("tournament", 3)])
def test_rounds_of_four_give_two_pairs_or_three(rounds: str, pairs: int) -> None:
    policy = POLICY.validate_python(
        {"kind": "rso", "by": {"label": "scores", "name": "n"}, "rounds": rounds}
    )
    built = policy.build(SCORED)
    assert len(built.pairs) == pairs
    assert all(pair.margin is not None and pair.margin > 0 for pair in built.pairs)
    assert built == policy.build(SCORED)


@pytest.mark.parametrize(
    ("gain", "rank", "expected"),
    [((1, 0.5), (2, 1), 0.312), ((1, 0), (2, 3), 0.189), ((0.5, 0), (1, 3), 0.299)],
)
def test_lambda_weights_are_the_worked_ones(
    gain: tuple[float, float], rank: tuple[int, int], expected: float
) -> None:
    assert lambda_weight(gain, rank) == pytest.approx(expected, abs=5e-4)
    turned = lambda_weight((gain[1], gain[0]), (rank[1], rank[0]))
    assert turned == pytest.approx(lambda_weight(gain, rank))


def test_a_rank_of_zero_is_refused_and_equal_gains_weigh_nothing() -> None:
    with pytest.raises(ValueError, match="ranks start at 1"):
        lambda_weight((1, 0), (0, 1))
    assert lambda_weight((0.5, 0.5), (1, 2)) == 0


def test_labels_say_the_gain_and_scores_the_rank() -> None:
    ranked = Judged("p", SCORED.candidates, rankings=[Ranked([["a"], ["b"], ["c"], ["d"]])])
    assert list_weight(ranked, "a", "d") == pytest.approx(lambda_weight((1, 0), (3, 2)))
    assert np.isnan(list_weight(Judged("p", {"a": Candidate("a")}), "a", "b"))


def test_percentiles_make_scores_of_any_scale_alike() -> None:
    assert percentiles({"a": 1, "b": 2, "c": 2, "d": 9}) == {
        "a": 0.25,
        "b": 0.75,
        "c": 0.75,
        "d": 1,
    }
    (found,) = Percentiles().lists(SCORED, Counter())
    assert found.scores == {"a": 0.375, "b": 0.375, "c": 1.0, "d": 0.875}
    stretched = {
        id: Candidate(id, None, {"m": 100 * each.scores["m"] - 7, "n": each.scores["n"] ** 3})
        for id, each in SCORED.candidates.items()
    }
    (again,) = Percentiles().lists(Judged("p", stretched), Counter())
    assert again.scores == found.scores


def test_log_sigmoid_centred_scores_are_the_worked_ones_and_balance_beats_one_peak() -> None:
    found = [centred(score, 1.0) for score in (-1, 0, 2)]
    assert found == pytest.approx([-2.127, -1.313, -0.313], abs=5e-4)
    middling, peaked = centred(0, 0) + centred(0, 0), centred(4, 0) + centred(-4, 0)
    assert (middling, peaked) == pytest.approx((-1.386, -4.036), abs=5e-4)
    (ranked,) = SoftAnd().lists(SCORED, Counter())
    assert ranked.ranked() == ["c", "d", "b", "a"]


def test_the_best_known_order_reads_ratings_before_rankings_before_scores() -> None:
    def order(**labels: object) -> list[str]:
        judged = Judged("p", SCORED.candidates, **labels)  # pyright: ignore[reportArgumentType]
        (found,) = BestKnown().lists(judged, Counter())
        return found.ranked()

    rankings = [Ranked([["b"], ["a"]])]
    assert order() == ["c", "d", "a", "b"]
    assert order(rankings=rankings) == ["b", "a"]
    assert order(rankings=rankings, ratings=[Rated("a", 5), Rated("b", 1)]) == ["a", "b"]


def test_weights_of_undesirable_rows_are_the_worked_ones() -> None:
    np.testing.assert_allclose(weight(np.array([0.8, 0.2, 0.95])), [4, 0.5, 10])
    assert balance(1000, 10_000) == pytest.approx((10, 15))


def test_the_policy_whose_worst_group_is_best_is_the_second_of_three() -> None:
    assert best_policy(np.array([[0.8, 0.5], [0.6, 0.62], [0.9, 0.2]])) == 1


def test_a_minority_of_the_other_mind_gets_more_weight_and_is_served_better() -> None:
    rng = np.random.default_rng(0)
    n = 600
    groups = (rng.random(n) < 0.2).astype(np.int64)
    x = rng.normal(size=(n, 2))
    x[:, 0] += 0.4
    towards = np.where(groups[:, None] == 1, [[-0.5, 1.0]], [[1.0, 0.2]]) * np.abs(x)
    fair = balanced(towards, groups, [str(row) for row in range(n)], 0)
    assert fair.after > fair.before + 0.05
    assert fair.weights[1] > fair.weights[0]


@pytest.mark.parametrize("seed", range(3))
def test_two_minds_at_right_angles_meet_in_the_middle(seed: int) -> None:
    """A fifth looks at y, the rest at x: half-way each is right on ¾, by one head for all some .6.
    Four standard errors of 120 labels are .16."""
    rng = np.random.default_rng(seed)
    groups = (rng.random(600) < 0.2).astype(np.int64)
    x = rng.normal(size=(600, 2))
    towards = x * np.sign(x[np.arange(600), groups])[:, None]
    fair = balanced(towards, groups, [str(row) for row in range(600)], 0)
    assert fair.after == pytest.approx(0.75, abs=0.16)
    assert fair.after - fair.before > 0.08


def test_where_nothing_can_be_learnt_weights_do_not_help() -> None:
    """They are judged on prompts that did not choose them: chosen on those, none would be below."""
    gains: list[float] = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        groups = (rng.random(300) < 0.3).astype(np.int64)
        fair = balanced(rng.normal(size=(300, 2)), groups, [str(row) for row in range(300)], seed)
        gains.append(fair.after - fair.before)
    assert min(gains) < 0
    assert np.mean(gains) == pytest.approx(0, abs=0.03)


def test_one_prompt_alone_weighs_all_groups_alike() -> None:
    fair = balanced(np.ones((4, 2)), np.array([0, 1, 0, 1]), ["p"] * 4, 0)
    assert fair.weights.tolist() == [1, 1]
    assert fair.before == fair.after
