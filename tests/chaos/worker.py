"""A worker for tests that kill: real, but slow where a test wants to hit it in the middle.

`celery -A tests.chaos.worker worker`. Every start of a `chaos` shard is a line in STARTS.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.signals import Fit, Scores
from curation.signals.style import Style
from service.composing import items
from service.queue import celery
from service.tables.jobs import Job, JobKind
from workers.handler import ShardPlan, Work
from workers.tasks import HANDLERS

__all__ = ["celery"]

BATCH_SECONDS = 0.25
quick_score = Style.score


def slow_score(self: Style, items: Pairs, fit: Fit | None = None) -> Scores:
    time.sleep(BATCH_SECONDS)
    return quick_score(self, items, fit)


Style.score = slow_score

SELECT_SECONDS = 1.0  # between the items of a subset and the end of their transaction
quick_items = items.write_items


def slow_items(*given: Any, **named: Any) -> None:
    quick_items(*given, **named)
    time.sleep(SELECT_SECONDS)


items.write_items = slow_items


class Deadly:
    """`spec`: seconds to sleep, or `kill`: the shard kills its own process."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return [ShardPlan({}, 1)]

    def run(self, work: Work) -> None:
        with Path(os.environ["STARTS"]).open("a") as starts:
            starts.write(f"{work.job.id}\n")
        if work.job.spec.get("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(work.job.spec["seconds"])

    def finish(self, session: Session, job: Job) -> None:
        return None

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        return None


HANDLERS[JobKind.evaluate] = Deadly()
