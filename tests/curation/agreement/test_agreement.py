"""Alpha and kappa: against other implementations, by hand, and the oracles of real sets."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from curation.agreement.alpha import alpha
from curation.agreement.kappa import between, cohen, fleiss, matrix


def test_fleiss_textbook_table() -> None:
    """Fleiss 1971, as in the encyclopedias: 10 subjects, 14 raters, 5 classes, κ = .210."""
    rows = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    said = np.concatenate([np.repeat(np.arange(5), row) for row in rows])
    assert fleiss(np.repeat(np.arange(10), 14), said, 5) == pytest.approx(0.210, abs=1e-3)


def test_cohen_is_that_of_scikit_learn_and_symmetric() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 3, 500)
    other = np.where(rng.random(500) < 0.6, one, rng.integers(0, 3, 500))
    assert cohen(one, other, 3) == pytest.approx(float(cohen_kappa_score(one, other)))
    assert cohen(one, other, 3) == pytest.approx(cohen(other, one, 3))
    assert cohen(one, one, 3) == 1
    assert np.isnan(cohen(np.zeros(3, int), np.zeros(3, int), 3))


def test_every_two_annotators_with_enough_in_common() -> None:
    items = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0])
    who = np.array([0] * 5 + [1] * 5 + [2])
    said = np.array([0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0])
    (found,) = between(items, who, said, 2)
    assert (found.one, found.other, found.items, found.agreement) == (0, 1, 5, 0.8)


def test_alpha_where_there_is_nothing_to_compare() -> None:
    assert np.isnan(alpha(np.array([[1.0, np.nan], [np.nan, 2.0]])))
    assert np.isnan(alpha(np.ones((2, 3))))
    assert alpha(np.array([[1.0, 2, 3], [1, 2, 3]]), "interval") == pytest.approx(1)


@pytest.mark.realdata
def test_the_oracle_of_tifa(data: Path) -> None:
    """Likert 1–5 of two raters: alpha .680 interval, .719 ordinal."""
    with gzip.open(data / "tifa" / "human_annotations_with_scores.json.gz") as file:
        rows = json.load(file).values()
    values = np.array([row["human_scores"] for row in rows], float).T
    assert alpha(values, "interval") == pytest.approx(0.680, abs=1e-3)
    assert alpha(values, "ordinal") == pytest.approx(0.719, abs=1e-3)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "kappa"), [("comprehensive", 0.63), ("counting", 0.68)])
def test_the_oracles_of_tia2(data: Path, name: str, kappa: float) -> None:
    """Fleiss' own kappa needs as many labels for each: the images with all three."""
    with gzip.open(data / "tia2" / f"human_labels_{name}.json.gz") as file:
        rows = json.load(file).values()
    complete = [row["human_labels"] for row in rows if -1 not in row["human_labels"]]
    given = [(item, label) for item, labels in enumerate(complete) for label in labels]
    items, said = np.array(given).T
    assert fleiss(items, said, 2) == pytest.approx(kappa, abs=0.006)


@pytest.mark.realdata
def test_the_oracle_of_ab_redial(data: Path) -> None:
    """Dialogue-overall over 195 dialogues, 2–7 raters each: .324 interval, .310 ordinal."""
    with gzip.open(data / "ab_redial" / "annotated_dialogues.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["dialogue-overall"]]
    _, items = np.unique([row["ConvId"] for row in rows], return_inverse=True)
    nth = np.array([int((items[:at] == items[at]).sum()) for at in range(len(rows))])
    grid = matrix(items, nth, np.array([float(row["dialogue-overall"]) for row in rows]))
    assert (grid.shape[1], int(np.isfinite(grid).sum())) == (195, 636)
    assert alpha(grid, "interval") == pytest.approx(0.324, abs=1e-3)
    assert alpha(grid, "ordinal") == pytest.approx(0.310, abs=1e-3)
