"""The embed_text job: the vector of a text that a filter compares prompts with."""

from typing import Any

from sqlalchemy.orm import Session

from curation.items import Texts
from curation.signals import parse_signal
from service.cells import write_vectors
from service.columns import text_id
from service.tables.jobs import Job
from service.tables.scores import EmbeddingModel
from workers.embedding import queue_of
from workers.handler import ShardPlan, Work


class EmbeddingText:
    """`spec`: text, model_id. It belongs to no dataset: none changes by it."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        model = session.get_one(EmbeddingModel, job.spec["model_id"])
        return [ShardPlan({}, 1, queue_of(parse_signal(model.spec)))]

    def run(self, work: Work) -> None:
        model = work.session.get_one(EmbeddingModel, work.job.spec["model_id"])
        said = work.job.spec["text"]
        name = str(text_id("", said))
        scores = parse_signal(model.spec).score(Texts([name], [""], [said]))
        assert scores.vectors is not None
        cut = [bool(each) for each in scores.columns["truncated"].values]
        write_vectors(work.session, model.id, [name], scores.vectors, cut)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        return {"text_id": str(text_id("", job.spec["text"]))}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """The query that waits for it says so."""
