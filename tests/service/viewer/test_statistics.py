"""Statistics: the numbers of NumPy, in the viewer's form and with its rules."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.filters import fields
from service.tables import viewer
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.viewer import Snapshot
from service.viewer import snapshots
from service.viewer.statistics import bin_edges
from tests.service.viewer.scored import OUTPUTS, add_style
from tests.workers.dataset import add_dataset


@pytest.fixture
def dataset(session: Session, workspace: Workspace) -> Dataset:
    return add_dataset(session, workspace, 60)


def by_name(client: TestClient, dataset: Dataset) -> dict[str, Any]:
    answer = client.get(f"/api/v1/datasets/{dataset.id}/statistics")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["num_examples"], found["partial"]) == (60, False)
    return {each["column_name"]: each for each in found["statistics"]}


def test_scores_have_the_moments_and_bins_of_numpy(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    given = add_style(session, dataset)
    columns = by_name(client, dataset)
    for output in OUTPUTS[:2]:
        found = columns[f"style.{output}"]
        values = np.array([value for value in given[output] if value is not None])
        counts, edges = np.histogram(values, 10)
        shown = found["column_statistics"]
        assert found["column_type"] == "float"
        assert (shown["nan_count"], shown["nan_proportion"]) == (12, 0.2)
        wanted = [values.min(), values.max(), values.mean(), np.median(values), values.std(ddof=1)]
        moments = [shown[name] for name in ("min", "max", "mean", "median", "std")]
        assert moments == pytest.approx(wanted, abs=1e-5)
        assert shown["histogram"]["hist"] == counts.tolist()
        assert shown["histogram"]["bin_edges"] == pytest.approx(edges, abs=1e-5)


def test_an_output_without_values_is_all_missing(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    add_style(session, dataset)
    found = by_name(client, dataset)[f"style.{OUTPUTS[2]}"]["column_statistics"]
    assert (found["nan_count"], found["nan_proportion"]) == (60, 1.0)
    assert (found["min"], found["histogram"]) == (None, None)


def test_texts_are_measured_by_length_and_labels_by_frequency(
    client: TestClient, dataset: Dataset
) -> None:
    columns = by_name(client, dataset)
    kinds = {name: found["column_type"] for name, found in columns.items()}
    assert kinds["prompt"] == kinds["chosen"] == "list"
    assert kinds["chosen.length"] == kinds["votes"] == "int"
    assert kinds["pair_id"] == kinds["prompt_id"] == kinds["source"] == "string_text"
    assert columns["pair_id"]["column_statistics"]["min"] == 36
    turns = columns["chosen"]["column_statistics"]["histogram"]
    assert turns == {"hist": [60], "bin_edges": [1, 1]}
    rejected = [len(f"No idea {n}.") for n in range(60)]
    shown = columns["rejected.length"]["column_statistics"]
    assert (shown["min"], shown["max"]) == (min(rejected), max(rejected))
    assert shown["mean"] == pytest.approx(np.mean(rejected), abs=1e-5)


def test_few_values_are_labels(client: TestClient, session: Session, workspace: Workspace) -> None:
    few = add_dataset(session, workspace, 6)
    answer = client.get(f"/api/v1/datasets/{few.id}/statistics").json()
    found = {each["column_name"]: each for each in answer["statistics"]}["prompt_id"]
    assert found["column_type"] == "string_label"
    assert sorted(found["column_statistics"]["frequencies"].values()) == [2, 2, 2]
    assert found["column_statistics"]["n_unique"] == 3


def test_statistics_are_remembered_until_the_dataset_changes(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    first = by_name(client, dataset)
    assert by_name(client, dataset) == first
    wanted = select(Snapshot.id).where(Snapshot.dataset_id == dataset.id)
    assert len(session.scalars(wanted).all()) == 1
    add_style(session, dataset)
    assert f"style.{OUTPUTS[0]}" in by_name(client, dataset)
    assert len(session.scalars(wanted).all()) == 2


@pytest.mark.parametrize(
    ("low", "high", "whole", "edges"),
    [
        (0, 8550, True, [0, 856, 1712, 2568, 3424, 4280, 5136, 5992, 6848, 7704, 8550]),
        (1, 3, True, [1, 2, 3, 3]),
        (0, 1, True, [0, 1, 1]),
        (6, 231, True, [6, 29, 52, 75, 98, 121, 144, 167, 190, 213, 231]),
        (5, 5, True, [5, 5]),
        (2.5, 2.5, False, [2.5, 2.5]),
        (0, 2, False, [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2]),
    ],
)
def test_bins_are_those_of_the_viewers_documentation(
    low: float, high: float, whole: bool, edges: list[float]
) -> None:
    assert bin_edges(low, high, whole) == pytest.approx(edges)


def test_scores_are_columns_of_the_rows(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    given = add_style(session, dataset)
    page = client.get(f"/api/v1/datasets/{dataset.id}/rows").json()
    for output in OUTPUTS[:2]:
        assert [row["row"][f"style.{output}"] for row in page["rows"]] == given[output]
    assert page["features"][8]["type"] == {"dtype": "float64", "_type": "Value"}


def test_scores_that_there_are_no_columns_for_are_read_alike(
    client: TestClient, session: Session, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (viewer, snapshots, fields):
        monkeypatch.setattr(module, "OWN_COLUMNS", 1)
    add_style(session, dataset)
    names = [f"style.{output}" for output in OUTPUTS]
    path = f"/api/v1/datasets/{dataset.id}"

    def read() -> Any:
        where = f"{names[0]} < 0.5 AND ({names[1]} > 0 OR {names[2]} IS NULL)"
        asked = {"where": where, "orderby": f"{names[1]} DESC, {names[0]}"}
        rows = client.get(f"{path}/filter", params=asked).json()
        return rows["rows"], by_name(client, dataset), names[1] in rows["rows"][0]["row"]

    spilt = read()
    assert spilt[2]
    stored = session.scalars(select(viewer.PairScores.more)).all()
    assert {len(more or ()) for more in stored} == {len(OUTPUTS) - 1}
    session.execute(delete(Snapshot))
    monkeypatch.undo()
    assert read() == spilt
    assert set(session.scalars(select(viewer.PairScores.more))) == {None}
