"""Advice on written files: what is decided, what is refused, and how the words follow."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from curation.items import Pairs
from curation.recipes import Budget
from service.advice.advising import Unfit, advice, candidates, said, sampled_to
from service.audit.decided import decided

GAIN = {"mean": 0.04, "low": 0.01, "high": 0.07}


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
        advice([few], candidates(["k_center"]), Budget.parse("10%"), seconds=1)


def test_the_recipes_compared_need_nothing_but_texts() -> None:
    names = set(candidates(None))
    assert "safe_default" in names
    assert not names & {"fifa", "random"}


def test_it_is_said_where_not_all_pairs_were_measured() -> None:
    ids = [str(i) for i in range(1200)]
    every = Pairs(ids, ids, ids, ids, ids)
    assert sampled_to(every, every) == ""
    assert sampled_to(every.take(np.arange(200)), every) == " (measured on 200 of 1,200 pairs)"


def test_none_is_recommended_where_none_beats_random() -> None:
    lost: dict[str, Any] = {"recipe": "k_center", "difference": GAIN}
    assert "none of 1 recipes" in said([], [lost], 10, "10%")
    won = {**lost, "accuracy": 0.7, "full": 0.72}
    assert said([won], [won], 10, "10%").startswith("k_center: +0.040 over a random 10%")
    assert "all pairs reach 0.720" in said([won], [won], 10, "10%")
