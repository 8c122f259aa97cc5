"""What an evaluation tells besides: rivals on the same splits, slices of the test, curves."""

from typing import Any

import pytest

from curation.evaluation import Contender, Wanted, evaluate_split, summarise
from curation.recipes import RECIPES
from tests.curation.evaluation.learnable import learnable

PAIRS = learnable(300, seed=5, flips=0.2)
SIDE = ["even" if i % 2 == 0 else "odd" for i in range(len(PAIRS))]
RANDOM, SAFE = RECIPES["random"], RECIPES["safe_default"]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    wanted = Wanted(
        against={"the same": Contender(RANDOM, 0.2), "safe": Contender(SAFE, 0.2)},
        by={"side": SIDE},
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


def test_the_curve_grows_to_all_pairs(report: dict[str, Any]) -> None:
    curve = report["curve"]["independent"]
    assert curve["sizes"] == sorted(curve["sizes"])
    assert curve["accuracy"][-1] == pytest.approx(report["full"]["accuracy"])
    assert curve["accuracy"][-1] > curve["accuracy"][0]
    assert curve["shape"] in ("plateau", "power")


def test_what_was_not_asked_for_is_not_there() -> None:
    plain = summarise([evaluate_split(PAIRS, {}, RANDOM, 0.2, n) for n in range(2)]).report()
    assert not {"against", "slices", "curve"} & set(plain)
