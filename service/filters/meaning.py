"""SIMILAR: prompts beside a text by the cosine of their vectors, exactly, in the database.

The text needs a vector of the model that embedded the prompts. This process loads no model: it
asks a worker (job kind `embed_text`) and waits a moment. The vector stays among those of all texts.
"""

import time
import uuid
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, and_, case, exists, literal, select
from sqlalchemy.orm import Session

from service import db
from service.columns import text_id
from service.config import settings
from service.errors import Unavailable
from service.filters.fields import Tables
from service.filters.tree import BadFilter
from service.queue import ACTIVE_STATES, enqueue
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind, JobState
from service.tables.pairs import Pair
from service.tables.scores import EmbeddedPrompt, EmbeddingRow

SIMILARITY = "similarity"  # in an order: that of the filter's first SIMILAR
POLL_SECONDS = 0.05


class Meanings:
    """The vectors of one dataset's prompts, of the newest model that embedded them."""

    def __init__(self, session: Session, dataset_id: uuid.UUID) -> None:
        self.session, self.dataset_id = session, dataset_id

    @cached_property
    def model_id(self) -> int:
        """Raises BadFilter `not_embedded`."""
        newest = select(EmbeddedPrompt.model_id).where(EmbeddedPrompt.dataset_id == self.dataset_id)
        found = self.session.scalar(newest.order_by(EmbeddedPrompt.model_id.desc()).limit(1))
        if found is None:
            detail = "SIMILAR needs embeddings: score the dataset with embedding first"
            raise BadFilter(detail, code="not_embedded")
        return found

    def similarity(self, said: str, vector: Any) -> ColumnElement[float]:
        """-1..1. Raises BadFilter, or Unavailable while the text has no vector yet."""
        name = self.of_pair(said) or self.embedded(said)
        wanted = select(EmbeddingRow.vector).where(
            EmbeddingRow.model_id == self.model_id, EmbeddingRow.text_id == name
        )
        near = literal(1.0, Double) - vector.vector.cosine_distance(wanted.scalar_subquery())
        # Vectors of another model may have another length: those must never be compared.
        return case((vector.model_id == self.model_id, near))

    def joined(self, query: Select[Any], tables: Tables) -> Select[Any]:
        meant, vector = tables.meant, tables.vector
        of_prompt = and_(
            meant.dataset_id == Pair.dataset_id,
            meant.model_id == self.model_id,
            meant.prompt_id == Pair.prompt_id,
        )
        of_text = and_(vector.model_id == meant.model_id, vector.text_id == meant.text_id)
        return query.outerjoin(meant, of_prompt).outerjoin(vector, of_text)

    def of_pair(self, said: str) -> uuid.UUID | None:
        """The text of a pair's prompt, where its id stands for it."""
        try:
            pair_id = uuid.UUID(said)
        except ValueError:
            return None
        return self.session.scalar(
            select(EmbeddedPrompt.text_id)
            .join(Pair, Pair.prompt_id == EmbeddedPrompt.prompt_id)
            .where(EmbeddedPrompt.dataset_id == self.dataset_id, Pair.id == pair_id)
            .where(Pair.dataset_id == self.dataset_id, EmbeddedPrompt.model_id == self.model_id)
        )

    def embedded(self, said: str) -> uuid.UUID:
        """The text's own name, once it has a vector."""
        name = text_id("", said)
        there = select(
            exists().where(EmbeddingRow.model_id == self.model_id, EmbeddingRow.text_id == name)
        )
        if self.session.scalar(there):
            return name
        self.ask(said)
        end = time.monotonic() + settings.similar_seconds
        while not self.session.scalar(there):
            if time.monotonic() > end:
                detail = "a worker embeds the text of SIMILAR: ask again in a moment"
                raise Unavailable(detail, code="text_not_embedded_yet")
            time.sleep(POLL_SECONDS)
        return name

    def ask(self, said: str) -> None:
        """Have a worker embed the text, unless one is at it. Raises Unavailable where it failed."""
        spec = {"text": said, "model_id": self.model_id}
        workspace = self.session.get_one(Dataset, self.dataset_id).workspace_id
        asked = select(Job).where(Job.workspace_id == workspace, Job.kind == JobKind.embed_text)
        asked = asked.where(Job.spec == spec).order_by(Job.created_at.desc()).limit(1)
        # A transaction of its own: the worker must see the job while this one waits.
        with db.new_session.begin() as session:
            last = session.scalars(asked).first()
            if last is not None and last.state in ACTIVE_STATES:
                return
            if last is not None and last.state == JobState.failed:
                problem = last.error or {}
                session.delete(last)  # the next query tries again
                failed = str(problem.get("detail", "no reason was recorded"))
            else:
                failed = None
                job = Job(
                    workspace_id=workspace, kind=JobKind.embed_text, spec=spec, stages=["embed"]
                )
                enqueue(session, job)
        if failed is not None:
            raise Unavailable(
                f"the text of SIMILAR can't be embedded: {failed}", code="not_embedded"
            )
