"""The bars of a job's stages, from the counts that the API gives for all stages together."""

from typing import Any

from rich.console import Console

from service.cli.progress import Bars

STAGES = ["embed", "score", "fit", "select"]


def job(stage: int, done: int, total: int, state: str = "running") -> dict[str, Any]:
    return {
        "stage": stage, "stages": STAGES, "rows_done": done, "rows_total": total, "state": state
    }  # fmt: skip


def bars_of(*seen: dict[str, Any]) -> list[tuple[str, float, float | None]]:
    bars = Bars(Console(quiet=True))
    show = bars.job()
    for each in seen:
        show(each)
    return [(task.description, task.completed, task.total) for task in bars.progress.tasks]


def test_each_stage_has_a_bar_of_its_own_rows() -> None:
    seen = [job(0, 0, 0), job(0, 0, 10), job(0, 6, 10), job(1, 12, 14), job(3, 20, 25)]
    assert bars_of(*seen) == [("embed", 10, 10), ("score", 4, 4), ("select", 0, 5)]


def test_every_bar_is_full_when_the_job_succeeded() -> None:
    seen = [job(0, 3, 10), job(4, 10, 10, "succeeded")]
    assert bars_of(*seen) == [("embed", 10, 10)]


def test_a_job_that_was_over_before_the_first_look_is_one_full_bar() -> None:
    assert bars_of(job(4, 30, 30, "succeeded")) == [("select", 30, 30)]


def test_an_evaluation_counts_texts_and_then_splits() -> None:
    bars = Bars(Console(quiet=True))
    show = bars.job()
    for stage, done, total in ((0, 0, 10), (1, 10, 20)):
        show({**job(stage, done, total), "stages": ["embed", "split"]})
    counted = [(task.description, task.fields["unit"]) for task in bars.progress.tasks]
    assert counted == [("embed", "rows"), ("evaluate", "splits")]
