"""Advice on written files: what is decided, what is refused, and how the words follow."""

from pathlib import Path

import orjson
import pytest

from curation.evaluation.heads import HEADS
from curation.recipes import RECIPES, Budget, Recipe, What
from service.advice.advising import Unfit, advice
from service.advice.candidates import affordable, applicable, price
from service.advice.pacing import fits
from service.advice.result import MakeOut, Run, advice_of
from service.audit.decided import decided


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def row(number: int, swapped: bool = False) -> dict[str, str]:
    sides = f"a good answer {number}", f"no {number}"
    chosen, rejected = sides[::-1] if swapped else sides
    return {"prompt": f"question {number}", "chosen": chosen, "rejected": rejected}


def test_pairs_of_files_do_not_depend_on_the_order_of_lines(tmp_path: Path) -> None:
    rows = [row(number) for number in range(9)]
    one = decided([written(tmp_path / "one.jsonl", rows)])
    other = decided([written(tmp_path / "other.jsonl", [*reversed(rows), rows[0]])])
    assert one.pairs.ids == other.pairs.ids
    assert one.labels == 9 < other.labels
    assert one.fields["source"] == ["one.jsonl"] * 9


def test_a_few_pairs_say_nothing(tmp_path: Path) -> None:
    few = written(tmp_path / "few.jsonl", [row(number) for number in range(20)])
    with pytest.raises(Unfit, match="20 decided pairs"):
        advice([few], {"k_center": RECIPES["k_center"]}, Budget.parse("10%"), seconds=60)


def test_a_time_in_which_too_few_pairs_can_be_embedded_is_refused_early(tmp_path: Path) -> None:
    file = written(tmp_path / "enough.jsonl", [row(number) for number in range(150)])
    with pytest.raises(Unfit, match=r"0 s are too short: .* give at least"):
        advice([file], {"k_center": RECIPES["k_center"]}, Budget.parse("10%"), seconds=0.01)


def test_a_recipe_is_left_out_for_a_reason() -> None:
    nothing = dict.fromkeys(What, 0)
    found = applicable(None, nothing, facts=False)
    codes = {each.recipe: each.code for each in found.left_out}
    assert {"safe_default", "fifa", "k_center"} <= set(found.recipes)
    assert codes["skywork_v2"] == codes["lcpo"] == "needs"  # gold; who voted
    assert (codes["curry"], codes["audit_only"]) == ("pairs", "every")
    assert set(codes).isdisjoint(found.recipes)
    assert "lcpo" in applicable(None, nothing, facts=True).recipes
    other = RECIPES["k_center"].model_dump(mode="json")
    other["signals"]["prompts"] = {"kind": "embedding", "model": "another"}
    named = {"mine": Recipe.model_validate(other)}
    assert applicable(named, nothing, facts=True).left_out[0].code == "model"


def test_what_there_is_time_for_is_compared_safe_default_first_then_the_cheapest() -> None:
    every = applicable(None, dict.fromkeys(What, 0), facts=False)
    assert affordable(every, {}, 1000, 1e9, 1.0).recipes == every.recipes
    first, *others = affordable(every, {}, 1000, 25.0, 1.0).recipes.values()
    assert first.id == "safe_default"
    assert 0 < len(others) < len(every.recipes) - 1
    assert [price(each) for each in others] == sorted(price(each) for each in others)
    assert affordable(every, {}, 1000, 25.0, 100.0).recipes == {}


def test_a_split_must_end_in_time_and_leave_enough_for_the_recipes_before_it() -> None:
    begun = {"first": [2.0, 1.0], "second": [1.0]}
    assert fits("first", begun, left=2.4)
    assert not fits("first", begun, left=2.3)
    assert fits("second", begun, left=1.2 * (1 + 3 * 2))  # three splits of the first are owed
    assert not fits("second", begun, left=8.3)
    assert fits("second", {"first": [2.0] * 5, "second": [1.0]}, left=1.2)
    assert fits("first", {"first": []}, left=0.1)  # nothing is known yet


def test_advice_on_a_file_is_repeatable_and_says_how_to_follow_it(tmp_path: Path) -> None:
    rows = [row(number, swapped=number % 7 == 0) for number in range(120)]
    file = written(tmp_path / "some.jsonl", rows)
    recipes = {"k_center": RECIPES["k_center"], "curry": RECIPES["curry"]}
    one, two = (
        advice([file], recipes, Budget.parse("20%"), seconds=600, splits=5) for _ in range(2)
    )
    assert [row.heads for row in one.recipes] == [row.heads for row in two.recipes]
    assert (one.pairs, one.measured_on, one.ended) == (120, 120, False)
    assert [(each.name, each.code) for each in one.left_out] == [("curry", "pairs")]
    assert (one.make is None) == (one.recommended is None)
    assert one.says


def run_of(gains: list[float]) -> Run:
    found = [
        {"seed": 0, "number": n, "train": 80, "test": 20, "size": 8, "seconds": 0.5,
         "heads": {head: [0.6 + gain, 0.6, 0.7] for head in HEADS}}
        for n, gain in enumerate(gains)
    ]  # fmt: skip
    return Run(
        contenders={"k_center": RECIPES["k_center"]}, left_out=(), present={}, planned=10,
        found={"k_center": found}, pairs=1200, measured_on=200, rejected=0, seeds=[0],
        budget="10%", fraction=0.1, seconds=60, used=30,
    )  # fmt: skip


def make(name: str) -> MakeOut:
    return MakeOut(command=f"make {name}", path=None, body=None)


def test_the_answer_says_how_sure_it_is_what_it_saves_and_what_it_was_measured_on() -> None:
    found = advice_of(run_of([0.04, 0.05, 0.06, 0.05, 0.05]), make)
    assert found.recommended == "k_center"
    assert found.says.startswith("k_center: +0.050 over as many random pairs [")
    assert "all pairs reach 0.700 against its 0.650" in found.says
    assert found.says.endswith("(measured on 200 of 1,200 pairs)")
    assert found.make == make("k_center")
    saved = found.saved
    assert saved is not None
    assert (saved.pairs, saved.share) == (1080, 0.9)
    assert saved.random_pairs == round(120 * 10**0.5)  # half the way on a logarithmic scale
    assert found.ended  # 5 of 10 splits


def test_none_is_recommended_where_none_beats_random() -> None:
    found = advice_of(run_of([0.04, -0.05, 0.06, -0.05, 0.05]), make)
    assert (found.recommended, found.saved, found.make) == (None, None, None)
    assert "none of 1 recipes is shown to beat a random 10%" in found.says
    assert "k_center comes nearest" in found.says
    short = advice_of(run_of([0.04] * 4), make)
    assert [(each.name, each.why) for each in short.left_out] == [
        ("k_center", "the time ended after 4 of 10 splits")
    ]
