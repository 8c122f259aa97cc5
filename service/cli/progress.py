"""Progress bars on stderr: rows done and in all, rows a second, the time left."""

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from service.cli.client import Job

COUNTED = {"split": ("evaluate", "splits")}  # by stage: what its bar is called, and what it counts


class Rate(ProgressColumn):
    """Rows a second; for bytes, megabytes a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        if task.fields["unit"] == "bytes":
            return Text(f"{speed / 1e6:,.1f} MB/s")
        return Text(f"{speed:,.0f} {task.fields['unit']}/s")


class Amount(ProgressColumn):
    def render(self, task: Task) -> Text:
        if task.fields["unit"] == "bytes":
            return Text(f"{task.completed / 1e6:,.1f}/{(task.total or 0) / 1e6:,.1f} MB")
        if not task.total:
            return Text("")
        return Text(f"{task.completed:,.0f}/{task.total:,.0f} {task.fields['unit']}")


class Bars:
    """A bar for each thing that goes on, and for each stage of a job."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description:<9}"), BarColumn(30), Amount(), Rate(),
            TimeElapsedColumn(), TimeRemainingColumn(), console=console,
        )  # fmt: skip

    def __enter__(self) -> "Bars":
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.progress.stop()

    def add(self, name: str, unit: str, total: float | None = None) -> TaskID:
        return self.progress.add_task(name, total=total, unit=unit)

    def move(self, task: TaskID, done: float) -> None:
        self.progress.update(task, completed=done)

    def job(self, unit: str = "rows") -> "JobBars":
        return JobBars(self, unit)


class JobBars:
    """Bars for the stages of one job, from the counts that the API gives for all its stages."""

    def __init__(self, bars: Bars, unit: str) -> None:
        self.bars, self.unit = bars, unit
        self.stage, self.before, self.total = -1, 0, 0
        self.task: TaskID | None = None

    def __call__(self, job: Job) -> None:
        """The job as it is now. Stages that began and ended unseen get no bar."""
        stage = min(job["stage"], len(job["stages"]) - 1)
        if job["rows_total"] > self.total and stage > self.stage:
            self.finish()
            over = job["state"] == "succeeded"
            follows = over or stage == self.stage + 1
            self.before = self.total if follows else job["rows_done"]
            self.stage = stage
            name = job["stages"][stage]
            self.task = self.bars.add(*COUNTED.get(name, (name, self.unit)))
        self.total = job["rows_total"]
        if self.task is not None:
            rows: dict[str, Any] = {"completed": job["rows_done"] - self.before}
            self.bars.progress.update(self.task, total=self.total - self.before, **rows)
        if job["state"] == "succeeded":
            self.finish()

    def finish(self) -> None:
        """Full: also where its last rows were counted between two looks."""
        if self.task is not None:
            total = max(self.total - self.before, 1)
            self.bars.progress.update(self.task, total=total, completed=total)
            self.task = None
