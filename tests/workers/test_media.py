"""Pairs of images: no text signal scores them, and what reads captions still does."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from curation.recipes import RECIPES, Recipe
from service.media import media_pairs
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.items import Response
from service.tables.pairs import Pair
from service.tables.scores import EmbeddingRow, FitRow, Score
from tests.workers import test_evaluating as evaluating_jobs
from tests.workers import test_selecting as selecting_jobs
from tests.workers.dataset import add_dataset, add_pairs
from tests.workers.test_scoring import NOVELTY, STYLE, Rung, count, run

MARGIN = {"kind": "reward_margin"}


def paint(session: Session, dataset: Dataset, lines: list[int]) -> set[str]:
    """Makes both answers of these lines' pairs images; the pairs' ids."""
    pairs = session.scalars(
        select(Pair).where(Pair.dataset_id == dataset.id, Pair.line.in_(lines))
    ).all()
    for pair in pairs:
        for place, id in enumerate((pair.chosen_id, pair.rejected_id)):
            session.execute(
                update(Response)
                .where(Response.dataset_id == dataset.id, Response.id == id)
                .values(text=None, uri=f"images/{pair.line}-{place}.png")
            )
    session.commit()
    return {str(pair.id) for pair in pairs}


def test_a_pair_of_images_is_told_from_one_of_texts(session: Session, workspace: Workspace) -> None:
    dataset = add_dataset(session, workspace, 6)
    assert media_pairs(session, dataset.id) == set()
    painted = paint(session, dataset, [1, 4])
    assert media_pairs(session, dataset.id) == painted
    assert media_pairs(session, dataset.id, sorted(painted)[:1]) == {sorted(painted)[0]}


@pytest.mark.parametrize("signal", [STYLE, MARGIN])
def test_a_text_signal_does_not_support_images(
    session: Session, workspace: Workspace, rung: Rung, signal: object
) -> None:
    dataset = add_dataset(session, workspace, 12)
    painted = paint(session, dataset, [0, 1, 2])
    job = run(session, dataset, signal)
    outputs = len((job.result or {})["signals"][0]["outputs"])
    assert count(session, Score.status == "unsupported", Score.value.is_(None)) == 3 * outputs
    assert count(session, Score.item_id.in_(painted), Score.status != "unsupported") == 0
    assert count(session) == 12 * outputs
    run(session, dataset, signal)  # nothing is left to do
    assert count(session) == 12 * outputs


def test_images_take_no_part_in_a_fit_and_without_texts_there_is_none(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    dataset = add_dataset(session, workspace, 4)
    paint(session, dataset, [0, 1, 2, 3])
    job = run(session, dataset, MARGIN)
    assert session.scalars(select(FitRow)).all() == []
    assert (job.result or {})["signals"][0]["outputs"]["p_correct"] == {"unsupported": 4}
    add_pairs(session, dataset, range(4, 16))
    run(session, dataset, MARGIN)
    [fit] = session.scalars(select(FitRow)).all()
    assert fit.items == 12
    found = (Score.fit_id == fit.id, Score.output == "p_correct")
    assert count(session, *found, Score.status != "unsupported") == 12
    assert count(session, *found, Score.status == "unsupported") == 4


def test_captions_are_read_and_empty_answers_are_not_embedded(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    dataset = add_dataset(session, workspace, 6)
    paint(session, dataset, [0, 1])
    run(session, dataset, NOVELTY, {"kind": "embedding"})
    assert count(session, Score.status == "ok") == 3  # a cell a prompt
    assert len(session.scalars(select(EmbeddingRow)).all()) == 3 + 4 * 4


@pytest.mark.parametrize("painted", [[0, 1, 2], list(range(60))])
def test_images_are_selected_by_chance_and_left_out_of_an_evaluation(
    session: Session, workspace: Workspace, rung: Rung, painted: list[int]
) -> None:
    dataset = add_dataset(session, workspace, 60)
    paint(session, dataset, painted)
    subset = selecting_jobs.run(session, dataset, RECIPES["random"], "50%")
    assert (subset.size, subset.pool) == (30, 60)
    evaluating_jobs.evaluate(session, workspace, subset, splits=2, draws=2)
    assert ("reason" in (subset.evaluation or {})) == (len(painted) == 60)


def test_a_recipe_of_text_signals_drops_images_and_says_why(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    dataset = add_dataset(session, workspace, 20)
    painted = paint(session, dataset, [0, 3])
    recipe = Recipe.model_validate(selecting_jobs.SMALL)
    subset = selecting_jobs.run(session, dataset, recipe, "50%")
    found = {str(each.pair_id): each for each in selecting_jobs.items(session, subset)}
    assert {found[id].reason for id in painted} == {"missing:margin"}
    statuses = {each["name"]: each["statuses"] for each in (subset.manifest or {})["signals"]}
    assert statuses == {"form": {"unsupported": 2}, "margin": {"unsupported": 2}, "novelty": {}}
