"""Two exported folders: planted additions, removals, flips and rescores, and what shifted."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from scipy.stats import ks_2samp, wasserstein_distance
from typer.testing import CliRunner

from service.cli.main import build
from service.diff import distributions
from service.diff.comparing import compare
from service.diff.distributions import shift
from service.diff.result import Diff
from service.diff.sides import of_folder
from service.errors import UnsupportedFile
from service.export import trainer_folder
from tests.service.export.folders import row, rows, write


def planted() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of 2,400 pairs 7 go, 5 turn round, 11 are scored anew, 2 lose a score; 3 are new."""
    a = [row(i, i % 1200, f"good {i}", f"bad {i}") for i in range(2400)]
    b = deepcopy(a)[7:]
    for each in b[:5]:
        each["chosen"], each["rejected"] = each["rejected"], each["chosen"]
        each["pair_id"] = f"turned-{each['pair_id']}"
    for each in b[5:16]:
        each["margin_mean"] += 0.25
    for each in b[16:25]:
        each["margin_mean"] += 1e-8  # the same
    b[31]["p_correct"] = b[32]["p_correct"] = None
    b += [row(5000 + i, i, f"new {i}", "bad") for i in range(3)]
    return a, b


def compared(tmp_path: Path, a: list[dict[str, Any]], b: list[dict[str, Any]]) -> Diff:
    for name, found in (("a", a), ("b", b)):
        if not (tmp_path / name).exists():
            (tmp_path / name).mkdir()
            write(tmp_path / name, found)
    return compare(of_folder(tmp_path / "a"), of_folder(tmp_path / "b"))


def mirrored(found: Diff) -> dict[str, Any]:
    said = found.model_dump()
    for one, two in (("a", "b"), ("added", "removed"), ("added_pairs", "removed_pairs")):
        said[one], said[two] = said[two], said[one]
    for kind in ("flipped_pairs", "rescored_pairs"):
        said[kind] = [each[::-1] for each in said[kind]]
    for each in (*said["numbers"], *said["categories"]):
        each["a"], each["b"] = each["b"], each["a"]
    for each in (*said["scores"], *said["numbers"]):
        for name in ("mean_change", "mean_shift"):
            if each.get(name) is not None:
                each[name] = -each[name]
    return said


def test_what_was_planted_is_counted_exactly_and_mirrored(tmp_path: Path) -> None:
    a, b = planted()
    found = compared(tmp_path, a, b)
    assert not found.same
    assert found.flips_told
    counts = (found.kept, found.added, found.removed, found.flipped, found.rescored)
    assert counts == (2388, 3, 7, 5, 13)
    assert (found.a.pairs, found.b.pairs) == (2400, 2396)
    assert {each.name: each.pairs for each in found.scores} == {"margin_mean": 11, "p_correct": 2}
    margin, p_correct = found.scores
    assert margin.mean_change == pytest.approx(0.25)
    assert margin.largest_change == pytest.approx(0.25)
    assert (p_correct.missing, p_correct.mean_change) == (2, None)
    assert sorted(found.removed_pairs) == [f"pair-{i:04d}" for i in range(7)]
    assert sorted(found.added_pairs) == [f"pair-{i}" for i in range(5000, 5003)]
    turned = sorted(found.flipped_pairs)
    assert turned == [(f"pair-{i:04d}", f"turned-pair-{i:04d}") for i in range(7, 12)]
    back = compare(of_folder(tmp_path / "b"), of_folder(tmp_path / "a"))
    assert back.model_dump() == mirrored(found)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_an_export_does_not_differ_from_itself(tmp_path: Path, count: int) -> None:
    found = compared(tmp_path, rows(count, 2), rows(count, 2))
    assert found.same
    assert (found.kept, found.added, found.removed) == (2 * count, 0, 0)
    assert {each.ks for each in found.numbers} <= {0, None}
    assert {each.total_variation for each in found.categories} <= {0, None}
    assert found.scores == []


def test_pairs_that_say_the_same_are_paired_off_one_to_one(tmp_path: Path) -> None:
    """Both have the pair three times; one of B's says the contrary."""
    a = [row(i, 0) for i in range(3)]
    b = [row(10, 0), row(11, 0), row(12, 0, "bad", "good")]
    found = compared(tmp_path, a, b)
    assert (found.kept, found.flipped, found.added, found.removed) == (2, 1, 0, 0)


def test_pairs_in_another_split_have_moved(tmp_path: Path) -> None:
    a = [row(i, i, f"good {i}") for i in range(25)]
    found = compared(tmp_path, a, [each for each in a if each["prompt_id"] != "prompt-0003"])
    assert (found.removed, found.added, found.moved) == (1, 0, 2)
    (split,) = (each for each in found.categories if each.name == "split")
    assert split.a == {"train": 24, "test": 1}
    assert split.total_variation == pytest.approx(abs(1 / 25 - 1 / 24))


def test_a_column_of_one_side_alone_is_named(tmp_path: Path) -> None:
    a = rows(5)
    (tmp_path / "a").mkdir()
    write(tmp_path / "a", a)
    described = of_folder(tmp_path / "a")
    found = compare(described, described._replace(scores=("weight", "margin_mean", "novelty")))
    assert (found.a.only, found.b.only, found.same) == (["p_correct"], ["novelty"], False)


@pytest.mark.parametrize("block", [1, 7, distributions.BLOCK])
@pytest.mark.parametrize("seed", range(5))
def test_the_distances_are_scipys_whatever_is_compared_at_once(
    seed: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributions, "BLOCK", block)
    random = np.random.default_rng(seed)
    a = random.normal(size=random.integers(1, 300)).round(seed % 3)
    b = random.normal(0.3, 2, size=random.integers(1, 300)).round(seed % 3)
    found = shift("x", np.append(a, np.nan), b.copy())
    back = shift("x", b.copy(), np.append(a, np.nan))
    assert (back.ks, back.wasserstein) == (found.ks, found.wasserstein)
    assert found.ks == pytest.approx(ks_2samp(a, b)[0])
    assert found.wasserstein == pytest.approx(wasserstein_distance(a, b))
    assert (found.a.values, found.a.missing) == (len(a), 1)
    assert found.mean_shift == pytest.approx(b.mean() - a.mean())


def test_a_column_without_a_value_has_no_distance() -> None:
    found = shift("x", np.array([np.nan]), np.array([1.0]))
    assert (found.ks, found.wasserstein, found.mean_shift, found.a.mean) == (None,) * 4


@pytest.mark.parametrize(
    ("layout", "told"), [("trl_preference", True), ("trl_unpaired", False), ("llamafactory", None)]
)
def test_exports_in_a_trainers_layout_are_compared(
    tmp_path: Path, layout: str, told: bool | None
) -> None:
    a, b = planted()
    for name, found in (("a", a), ("b", b)):
        (tmp_path / f"plain-{name}").mkdir()
        write(tmp_path / f"plain-{name}", found)
        wanted = trainer_folder.Wanted(layout)
        trainer_folder.write(tmp_path / f"plain-{name}", tmp_path / name, wanted)
    found = compare(of_folder(tmp_path / "a"), of_folder(tmp_path / "b"))
    times = found.a.pairs // 2400  # rows of a pair
    assert found.flips_told in ((True, False) if told is None else (told,))
    turned = 0 if found.flips_told else 5
    assert found.flipped == 5 - turned
    assert (found.added, found.removed) == (times * (3 + turned), times * (7 + turned))
    assert found.rescored == times * 13


def test_two_folders_are_compared_without_a_server(tmp_path: Path) -> None:
    compared(tmp_path, *planted())
    words = ["diff", str(tmp_path / "a"), str(tmp_path / "b")]
    said = CliRunner().invoke(build("diff"), [*words, "--json", "--examples", "1"])
    assert said.exit_code == 0, said.output
    body = orjson.loads(said.stdout)
    assert (body["flipped"], len(body["flipped_pairs"])) == (5, 1)
    shown = CliRunner().invoke(build("diff"), [*words, "--exit-code"], env={"COLUMNS": "160"})
    assert shown.exit_code == 1
    assert "3 added, 7 removed, 5 flipped, 13 rescored" in shown.output
    assert "margin_mean" in shown.output


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFile, match="holds no prefsift export"):
        of_folder(tmp_path)
