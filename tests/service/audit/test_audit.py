"""`prefsift audit`: the folder, the table's schema, refusals, planted and real errors."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from service.audit.run import audit, write_folder
from service.audit.table import SCHEMA


def pairs_of(folder: Path) -> Any:
    return pq.read_table(folder / "pairs.parquet")


def written(rows: list[dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def chosen_rejected(n: int) -> list[dict[str, Any]]:
    """The longer answer is better, always."""
    return [
        {"prompt": f"Question {i}?", "chosen": f"Yes, and here is why: {'so ' * (i % 7 + 9)}{i}.",
         "rejected": f"No {i}."}
        for i in range(n)
    ]  # fmt: skip


def test_the_folder_holds_a_report_a_page_and_a_table(tmp_path: Path) -> None:
    path = written(chosen_rejected(200), tmp_path)
    said = write_folder(audit([path], embed=False), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "report.json").read_bytes()) == said
    table = pairs_of(tmp_path / "out")
    assert table.schema.equals(SCHEMA)
    rows = table.to_pylist()
    assert {(row["a"], row["b"], row["label"]) for row in rows} == {("chosen", "rejected", "a")}
    assert [row["line"] for row in rows] == list(range(1, 201))
    assert rows[4]["record_id"] == "5"
    assert all(row["p_correct"] == row["p_a_better"] for row in rows)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "nan" not in page.lower().replace("nano", "")
    assert said["content"]["out_of_fold_accuracy"] > 0.95


def test_the_same_input_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    path = written(chosen_rejected(150), tmp_path)
    for name in ("one", "two"):
        write_folder(audit([path], embed=False, seed=3), tmp_path / name)
    for name in ("report.json", "report.html", "pairs.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_planted_errors_come_first_and_are_counted(tmp_path: Path) -> None:
    rows = chosen_rejected(400)
    wrong = np.random.default_rng(0).random(400) < 0.1
    for row, flip in zip(rows, wrong, strict=True):
        if flip:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    found = audit([written(rows, tmp_path)], embed=False)
    assert roc_auc_score(wrong, -found.assessment.p_correct) > 0.99
    # EM tends low: over eight such drawings it finds .070 where .099 are wrong.
    assert wrong.mean() / 2 < np.median(found.assessment.em.rates) < wrong.mean() * 1.2


def test_repeats_that_contradict_are_witnesses(tmp_path: Path) -> None:
    rows = chosen_rejected(150)
    turned = {**rows[0], "chosen": rows[0]["rejected"], "rejected": rows[0]["chosen"]}
    found = audit([written([*rows, rows[0], turned], tmp_path)], embed=False)
    columns = found.assessment.columns
    assert columns["repeats.others"][[0, 150, 151]].tolist() == [2, 2, 2]
    assert columns["repeats.against"][[0, 150, 151]].tolist() == [0.5, 0.5, 1]
    assert "repeats" in found.assessment.ruling.witnesses[151]
    assert found.assessment.ruling.actions[151] == "flip"


def test_nothing_to_compare_gives_an_empty_table_of_the_same_schema(tmp_path: Path) -> None:
    path = written([{"prompt": "Why?", "completion": "So.", "label": True}], tmp_path)
    said = write_folder(audit([path]), tmp_path / "out")
    table = pairs_of(tmp_path / "out")
    assert (table.num_rows, table.schema.equals(SCHEMA)) == (0, True)
    assert said["likely_wrong"]["labels"] is None
    assert "too few labels" in said["likely_wrong"]["why"]


def test_bad_lines_are_named_and_the_others_counted(tmp_path: Path) -> None:
    path = written(chosen_rejected(3), tmp_path)
    path.write_text(path.read_text() + '{"prompt": "x", "chosen": "y"\n')
    said = write_folder(audit([path], embed=False), tmp_path / "out")
    assert [(each["line"], each["code"]) for each in said["rejected"]] == [(4, "not_json")]
    assert said["pairs"] == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"record_id": "9", "better": "chosen", "worse": "rejected"}', "line 1: no pair"),
        ('{"record_id": "1"}', "line 1: an anchor is"),
        ("{", "line 1: not JSON"),
    ],
)
def test_an_anchor_that_fits_nothing_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path, anchors = written(chosen_rejected(3), tmp_path), tmp_path / "anchors.jsonl"
    anchors.write_text(line)
    with pytest.raises(ValueError, match=message):
        audit([path], anchors=str(anchors), embed=False)


def test_an_anchor_turns_a_wrong_label(tmp_path: Path) -> None:
    path, anchors = written(chosen_rejected(30), tmp_path), tmp_path / "anchors.jsonl"
    anchors.write_text('{"record_id": "2", "better": "rejected", "worse": "chosen"}\n')
    found = audit([path], anchors=str(anchors), embed=False)
    assert found.assessment.posterior.p_a[1] == 0
    assert found.assessment.ruling.actions[1] == "flip"


def test_a_scorer_of_verified_answers_alone_is_a_second_witness(tmp_path: Path) -> None:
    rows = chosen_rejected(260)
    wrong = np.random.default_rng(0).random(260) < 0.3
    for row, flip in zip(rows, wrong, strict=True):
        if flip:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    anchors = tmp_path / "anchors.jsonl"
    better = [("rejected", "chosen") if flip else ("chosen", "rejected") for flip in wrong[:120]]
    lines = [
        json.dumps({"record_id": str(i), "better": good, "worse": bad})
        for i, (good, bad) in enumerate(better, 1)
    ]
    path = written(rows, tmp_path)
    anchors.write_text("\n".join(lines))
    found = audit([path], anchors=str(anchors), embed=False).assessment
    p, asked = found.columns["verified.p_correct"], np.arange(260) >= 120
    assert np.isnan(p[~asked]).all()
    assert roc_auc_score(wrong[asked], -p[asked]) > 0.99
    spoke = np.array(["verified" in names for names in found.ruling.witnesses])
    assert (spoke == (wrong & asked)).mean() > 0.98
    anchors.write_text("\n".join(lines[:99]))
    fewer = audit([path], anchors=str(anchors), embed=False).assessment
    assert np.isnan(fewer.columns["verified.p_correct"]).all()


@pytest.mark.realdata
def test_judges_that_share_a_bias_are_warned_of_and_thirty_anchors_see_through_it(
    data: Path,
) -> None:
    path = data / "llmbar" / "natural_neighbor.jsonl.gz"
    unanchored = audit([path], anchors="0", embed=False)
    assert unanchored.assessment.posterior.bias_possible
    assert not unanchored.assessment.identified
    assert "flip" not in unanchored.assessment.ruling.actions.tolist()
    found: list[float] = []
    for seed in range(3):
        run = audit([path], anchors="30", seed=seed, embed=False)
        hidden = np.setdiff1d(np.arange(234), run.anchors.items)
        truth = run.questions.truth == 0
        flipped = np.random.default_rng(seed).random(234) < 0.2
        p_label = np.where(truth ^ flipped, run.assessment.posterior.p_a, 0)
        p_label = np.where(truth ^ flipped, p_label, 1 - run.assessment.posterior.p_a)
        found.append(float(roc_auc_score(flipped[hidden], -p_label[hidden])))
    assert np.mean(found) >= 0.94


@pytest.mark.realdata
def test_one_human_label_a_pair_is_weak_and_says_so(data: Path, tmp_path: Path) -> None:
    with gzip.open(data / "hh_harmless" / "test.jsonl.gz") as file:
        rows = [json.loads(line) for line in file]
    wrong = np.random.default_rng(0).random(len(rows)) < 0.2
    for row, flip in zip(rows, wrong, strict=True):
        if flip:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    found = audit([written(rows, tmp_path)], embed=False)
    assert not found.assessment.identified
    assert "not identified" in found.assessment.refusals[0]
    assert np.isfinite(found.assessment.posterior.p_a).all()
    assert roc_auc_score(wrong, -found.assessment.p_correct) > 0.66
