"""Progress of uploads and jobs on stderr: rows done, rows a second, time left."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

STAGES = {
    "ingest": "reading rows",
    "embed": "embedding texts",
    "score": "scoring rows",
    "fit": "fitting reward heads",
    "select": "selecting pairs",
    "split": "evaluating against random",
    "export": "writing the folder",
}


class Bars:
    """One bar a job; quiet where stderr is no terminal, but for a line a job."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description:26s}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> "Bars":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def bytes_bar(self, name: str, total: int) -> Callable[[int], None]:
        """A function to call with each number of bytes that were sent."""
        task = self.progress.add_task(f"uploading {name}"[:26], total=total, rate="bytes")
        return lambda sent: self.progress.advance(task, sent)

    def job_bar(self, kind: str) -> Callable[[dict[str, Any]], None]:
        """A function to call with each state of a job."""
        task = self.progress.add_task(kind, total=None, rate="")
        told: list[str] = []

        def show(job: dict[str, Any]) -> None:
            self.show(task, job)
            stage = describe(job)
            if not self.console.is_terminal and stage not in told:
                told.append(stage)
                self.console.print(f"{stage} …")

        return show

    def show(self, task: TaskID, job: dict[str, Any]) -> None:
        rate = job["rows_per_second"]
        self.progress.update(
            task,
            description=describe(job),
            completed=job["rows_done"],
            total=job["rows_total"] or None,
            rate=f"{rate:,.0f} rows/s" if rate else "",
        )


def describe(job: dict[str, Any]) -> str:
    """What the job is doing now."""
    stages = job["stages"]
    return STAGES[stages[min(job["stage"], len(stages) - 1)]]
