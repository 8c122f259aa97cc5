"""What an evaluation tells besides: rivals on the same splits, slices of the test, curves."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from curation.evaluation import Contender, Wanted, evaluate_split, summarise
from curation.recipes import RECIPES
from tests.curation.evaluation.learnable import learnable, truth

PAIRS = learnable(300, seed=5, flips=0.2)
SIDE = ["even" if i % 2 == 0 else "odd" for i in range(len(PAIRS))]
RANDOM, SAFE = RECIPES["random"], RECIPES["safe_default"]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    wanted = Wanted(
        against={"the same": Contender(RANDOM, 0.2), "safe": Contender(SAFE, 0.2)},
        by={"side": SIDE, "rare": ["few" if i < 20 else "" for i in range(len(PAIRS))]},
        curve=True,
    )
    splits = [evaluate_split(PAIRS, {}, RANDOM, 0.2, n, wanted=wanted) for n in range(3)]
    return summarise(splits).report()


def test_a_subset_against_itself_has_no_difference(report: dict[str, Any]) -> None:
    for head in report["against"]["the same"]["heads"].values():
        assert head["difference"] == {"mean": 0, "low": 0, "high": 0}
    safe = report["against"]["safe"]["heads"]["independent"]
    assert safe["difference"]["mean"] == pytest.approx(
        report["subset"]["accuracy"] - safe["accuracy"]
    )


def test_slices_add_up_to_the_whole(report: dict[str, Any]) -> None:
    sides = report["slices"]["side"]
    assert set(sides) == {"even", "odd"}
    total = sum(side["test"] for side in sides.values())
    for part in ("subset", "random", "full"):
        right = sum(s["test"] * s["heads"]["independent"][part] for s in sides.values())
        whole = report["heads"]["independent"][part]["accuracy"]
        assert right / total == pytest.approx(whole, abs=0.01)  # folds differ in size by a pair
    for side in sides.values():
        for head in side["heads"].values():
            gain = head["difference"]
            assert gain["mean"] == pytest.approx(head["subset"] - head["random"])
            assert gain["low"] < gain["mean"] < gain["high"]
        assert "warning" not in side


def test_a_slice_with_few_test_pairs_has_no_interval_and_says_so(report: dict[str, Any]) -> None:
    found = report["slices"]["rare"]
    assert set(found) == {"", "few"}
    few = found["few"]
    splits = report["splits"]
    assert (
        few["warning"]
        == f"{few['test'] / splits:.3g} test pairs a split are too few for an interval"
    )
    for head in few["heads"].values():
        assert head["difference"]["mean"] == pytest.approx(head["subset"] - head["random"])
        assert head["difference"]["low"] is head["difference"]["high"] is None
    assert found[""]["heads"]["independent"]["difference"]["low"] is not None


def test_what_a_gate_alone_gains_stands_beside_the_gain_over_random() -> None:
    """Random draws from all pairs, the wrong ones too; those behind the gate are told apart."""
    doubted = learnable(300, seed=5, flips=0.3)
    sure = np.random.default_rng(5).normal(2.2, 0.6, len(doubted))
    given = {"p_correct": expit(np.where(truth(doubted) > 0, sure, -sure))}
    parts = [evaluate_split(doubted, given, SAFE, 0.2, n, sign=truth(doubted)) for n in range(3)]
    found = summarise(parts).report()
    gate = found["behind_gate"]
    assert 0.6 < gate["could_take"] < 0.8
    for head in ("selecting", "independent"):
        behind, over = gate["heads"][head], found["heads"][head]
        assert behind["accuracy"] > over["random"]["accuracy"] + 0.01
        assert behind["difference"]["mean"] == pytest.approx(
            over["subset"]["accuracy"] - behind["accuracy"]
        )
    assert (
        "behind_gate"
        not in summarise([evaluate_split(doubted, {}, RANDOM, 0.2, n) for n in range(2)]).report()
    )


def test_the_curve_grows_to_all_pairs(report: dict[str, Any]) -> None:
    curve = report["curve"]["independent"]
    assert curve["sizes"] == sorted(curve["sizes"])
    assert curve["accuracy"][-1] == pytest.approx(report["full"]["accuracy"])
    assert curve["accuracy"][-1] > curve["accuracy"][0]
    assert curve["shape"] in ("plateau", "power")


def test_what_was_not_asked_for_is_not_there() -> None:
    plain = summarise([evaluate_split(PAIRS, {}, RANDOM, 0.2, n) for n in range(2)]).report()
    assert not {"against", "slices", "curve"} & set(plain)
