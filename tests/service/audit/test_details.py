"""What the report says beside the verdict, of a file in which it is planted; invariances."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from service.audit.run import audit, write_folder
from tests.service.audit.planted import (
    MAJORITY,
    MINORITY,
    SWAPPER,
    exchanged,
    renamed,
    two_tastes,
    written,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("planted")
    write_folder(audit([written(two_tastes(), out / "in.jsonl")], embed=False), out / "out")
    return out / "out"


@pytest.fixture(scope="module")
def said(folder: Path) -> Any:
    import orjson

    return orjson.loads((folder / "report.json").read_bytes())


def test_annotators_of_like_mind_are_found_with_their_taste(said: Any) -> None:
    most, few = said["like_minds"]["groups"]
    assert set(MAJORITY) <= set(most["members"])
    assert set(few["members"]) == set(MINORITY)
    assert most["tastes"]["characters"] > 0 > few["tastes"]["characters"]
    assert min(said["like_minds"]["criterion"], key=said["like_minds"]["criterion"].get) == "2"


def test_calibration_is_told_for_each_group(said: Any) -> None:
    rows = {row["group"]: row for row in said["calibration"]}
    assert set(rows) == {"human", "model", "score", "like mind 1", "like mind 2"}
    assert rows["like mind 1"]["accuracy"] > 0.6 > 0.4 > rows["like mind 2"]["accuracy"]
    assert rows["like mind 2"]["error"] > rows["like mind 1"]["error"]


def test_reliability_is_told_by_topic_and_by_aspect_with_intervals(said: Any) -> None:
    topics = {(row["annotator"], row["of"]): row for row in said["by_topic"]["annotators"]}
    assert {topic for _, topic in topics} == {"rivers", "towns"}
    row = topics["m0", "towns"]
    assert row["votes"] == 40
    assert row["low"] < row["reliability"] < row["high"]
    assert topics["n0", "towns"]["reliability"] < 0.5 < row["reliability"]
    aspects = {row["of"]: row for row in said["by_aspect"]}
    assert {row["annotator"] for row in said["by_aspect"]} == {"rubric"}
    assert aspects["complete"]["reliability"] > 0.6 > 0.4 > aspects["brief"]["reliability"]


def test_a_judge_that_takes_the_first_when_unsure_is_seen_in_both_orders(said: Any) -> None:
    (row,) = said["both_orders"]
    assert (row["judge"], row["pairs"]) == (SWAPPER, 60)
    assert 0.2 < row["consistent"] < 0.95
    assert row["first"] > 0.5
    assert row["right_when_consistent"] > 0.8


def test_ratings_are_held_against_the_same_judges_comparisons(said: Any) -> None:
    (row,) = said["ratings_against_comparisons"]
    assert (row["rater"], row["judge"], row["votes"]) == ("judge/Rating", SWAPPER, 120)
    assert 0 < row["different"] < 0.5


def test_principles_that_conflict_and_who_decides_against_them(said: Any) -> None:
    found = said["principles"]
    assert found["names"] == ["brief", "complete", "true"]
    assert found["conflict"] > 0.5
    assert found["supremacy"][1][0] > 0.6  # complete over brief
    assert found["consensus"] + found["conflict"] + found["indifferent"] == pytest.approx(1)


def test_the_table_has_a_column_for_each_signal(folder: Path) -> None:
    rows = pq.read_table(folder / "pairs.parquet")
    known = {name: rows[name].null_count < rows.num_rows for name in rows.column_names}
    without = {name for name, some in known.items() if not some}
    # No text scorer below 100 pairs, and no log-probabilities of the policy itself.
    assert without == {"content.p_a", "content.p_correct", "content.margin", "content.spread",
                       "content.expected", "content.mutual", "em.p_correct", "policy.ranked",
                       "verified.p_correct"}  # fmt: skip


def test_what_a_perfectly_trained_policy_could_rank_is_told(said: Any, folder: Path) -> None:
    """The reference finds the shorter one likelier by 2 nats a word; most votes are for length."""
    policy = said["policy"]
    assert policy["referred"] == policy["voted"] > 50
    assert 1 - policy["difficult"] < policy["idealised"] < 1
    ranked = pq.read_table(folder / "pairs.parquet")["policy.idealised"].to_pylist()
    known = [each for each in ranked if each is not None]
    assert sum(known) / len(known) == pytest.approx(policy["idealised"])
    assert "Perfectly trained" in (folder / "report.html").read_text()


def test_identical_lines_keep_a_row_each_and_repeat_each_other(tmp_path: Path) -> None:
    rows = two_tastes(30)
    path = written([*rows, rows[0], rows[0]], tmp_path / "in.jsonl")
    write_folder(audit([path], embed=False), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "pairs.parquet").to_pylist()
    assert [row["line"] for row in table] == list(range(1, 33))
    same = [table[0], table[30], table[31]]
    assert [row["repeats.others"] for row in same] == [2, 2, 2]
    assert len({(row["label"], round(row["p_a_better"], 9)) for row in same}) == 1


def test_exchanging_the_responses_changes_no_result(
    folder: Path, said: Any, tmp_path: Path
) -> None:
    path = written(exchanged(two_tastes()), tmp_path / "in.jsonl")
    other = write_folder(audit([path], embed=False), tmp_path / "out")
    before, after = (
        pq.read_table(out / "pairs.parquet").to_pydict() for out in (folder, tmp_path / "out")
    )
    turned = {"a": "b", "b": "a", "tie": "tie", "both_bad": "both_bad"}
    assert after["label"] == [turned[label] for label in before["label"]]
    for name in ("action", "witnesses", "n_labels"):
        assert after[name] == before[name]
    for name, column in before.items():
        if not isinstance(column[0], float):
            continue
        there = np.array(column, float)
        expected = 1 - there if name == "p_a_better" or name.endswith(".p_a") else there
        np.testing.assert_allclose(np.array(after[name], float), expected, atol=1e-6, err_msg=name)
    for part in ("annotators", "both_orders", "by_topic", "candidates", "noise_rates", "longer"):
        assert rounded(other[part]) == rounded(said[part])
    groups = [[each["members"] for each in one["like_minds"]["groups"]] for one in (said, other)]
    assert groups[0] == groups[1]


def test_renaming_the_annotators_changes_nothing_but_names(
    folder: Path, said: Any, tmp_path: Path
) -> None:
    names = {name: f"z{name[::-1]}" for name in [*MAJORITY, *MINORITY]}
    path = written(renamed(two_tastes(), names), tmp_path / "in.jsonl")
    other = write_folder(audit([path], embed=False), tmp_path / "out")
    before, after = (
        pq.read_table(out / "pairs.parquet").drop_columns(["file"]).to_pylist()
        for out in (folder, tmp_path / "out")
    )
    assert rounded(after) == rounded(before)
    assert {row["name"] for row in other["annotators"]} == {
        names.get(row["name"], row["name"]) for row in said["annotators"]
    }
    assert rounded(other["noise_rates"]) == rounded(said["noise_rates"])


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value
