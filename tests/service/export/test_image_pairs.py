"""Exports of pairs of images: refused where a trainer reads texts, by URI where it reads images."""

from pathlib import Path

import datasets
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.export.preflight import preflight
from service.export.resample import resample
from service.export.verify import verify
from service.formats import recognise
from service.formats.record import RowError
from service.tables.access import Workspace
from service.tables.subsets import Subset
from service.trainers import LAYOUTS
from service.trainers.diffusion_dpo import DiffusionDpo
from tests.service.export.test_trainer_folder import exported
from tests.service.trainers.pairs import PAIR_LAYOUTS, pair, rows, says
from tests.workers.dataset import add_dataset
from tests.workers.subsets import add_subset
from tests.workers.test_media import paint

ANSWERS = [name for name in PAIR_LAYOUTS if LAYOUTS[name].holds_answers]
IMAGES = pair(
    0, chosen=says(""), rejected=says(""), chosen_image="a.png", rejected_image="b.png",
    soft_label=0.75,
)  # fmt: skip


@pytest.fixture
def subset(session: Session, workspace: Workspace) -> Subset:
    dataset = add_dataset(session, workspace, 12)
    paint(session, dataset, list(range(12)))
    found = add_subset(session, dataset)
    session.commit()
    return found


@pytest.mark.parametrize("name", ANSWERS)
def test_a_layout_of_texts_refuses_images_by_name(name: str) -> None:
    [found] = preflight(LAYOUTS[name](), [("train", IMAGES)]).errors
    assert found.code == "image_answer"
    assert "diffusion_dpo" in found.message


def test_prompts_of_images_are_prompts() -> None:
    assert preflight(LAYOUTS["trl_prompts"](), [("train", IMAGES)]).errors == ()


def test_images_leave_by_uri_the_better_one_first() -> None:
    assert rows(DiffusionDpo(), [IMAGES]) == [
        {
            "caption": "question 0", "jpg_0": "a.png", "jpg_1": "b.png", "label_0": 1.0,
            "soft_label": 0.75, "scores_0": 0.0, "scores_1": 0.0,
        }
    ]  # fmt: skip
    assert preflight(DiffusionDpo(), [("train", IMAGES)]).findings == ()


def test_a_layout_of_images_refuses_texts_and_equal_images() -> None:
    found = preflight(DiffusionDpo(), [("train", pair(0))]).errors
    assert [each.code for each in found] == ["text_answer", "not_expressible"]
    same = pair(0, chosen_image="a.png", rejected_image="a.png")
    assert [each.code for each in preflight(DiffusionDpo(), [("train", same)]).errors] == [
        "chosen_equals_rejected"
    ]
    with pytest.raises(RowError, match="one text"):
        rows(DiffusionDpo(), [pair(0, says("x"), chosen_image="a", rejected_image="b")])


def test_opposite_pairs_of_images_contradict() -> None:
    turned = pair(0, chosen_image="b.png", rejected_image="a.png", pair_id="turned")
    found = preflight(DiffusionDpo(), [("train", IMAGES), ("train", turned)]).findings
    assert [each.code for each in found] == ["contradicts"]


def test_a_swapped_copy_swaps_the_images() -> None:
    never = pair(0, chosen_image="a.png", rejected_image="b.png", soft_label=0.0)
    [copy] = resample([never], 0)
    assert (copy.chosen_image, copy.rejected_image) == ("b.png", "a.png")


@pytest.mark.usefixtures("rung")
def test_an_export_of_images_is_loaded_and_read_back(
    client: TestClient, subset: Subset, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = exported(client, subset, out, layout="diffusion_dpo", test_fraction=0.0)
    assert found["state"] == "ready", found["job"]
    assert verify(out) == []
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert tuple(loaded.column_names) == DiffusionDpo().columns
    assert loaded[0]["jpg_0"].endswith("-0.png")
    again = recognise([dict(row) for row in loaded])
    assert again is not None
    assert again[0].name == "image_pairs"
    record = again[0].read(loaded[0])
    assert [each.uri for each in record.responses] == [loaded[0]["jpg_0"], loaded[0]["jpg_1"]]
    assert record.comparisons[0].outcome == "a"


@pytest.mark.usefixtures("rung")
def test_a_text_trainers_export_of_images_fails_and_says_why(
    client: TestClient, subset: Subset, tmp_path: Path
) -> None:
    found = exported(client, subset, tmp_path, layout="trl_preference")
    assert found["state"] == "failed"
    error = found["job"]["error"]
    assert (error["code"], error["findings"][0]["code"]) == ("preflight_failed", "image_answer")
    assert "an answer is an image" in error["detail"]


@pytest.mark.usefixtures("rung")
def test_the_default_export_has_columns_for_images_only_where_there_are_some(
    client: TestClient, subset: Subset, session: Session, workspace: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert exported(client, subset, out)["state"] == "ready"
    assert verify(out) == []
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert {"chosen_image", "rejected_image"} <= {*loaded.column_names}
    assert loaded[0]["chosen_image"].startswith("images/")
    texts = add_subset(session, add_dataset(session, workspace, 6, start=100))
    session.commit()
    assert exported(client, texts, tmp_path / "texts")["state"] == "ready"
    plain = datasets.load_dataset(str(tmp_path / "texts"), cache_dir=str(tmp_path / "cache"))
    assert "chosen_image" not in plain["train"].column_names
