"""Signals, their fits, their score cells, and embeddings."""

import uuid
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.metadata import CreatedAt, Table


class SignalRow(Table):
    """A signal with all its parameters, on one dataset; `identity` is the key of its cells."""

    __tablename__ = "signals"
    __table_args__ = (UniqueConstraint("dataset_id", "identity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Dataset.id, ondelete="CASCADE"))
    identity: Mapped[str]
    kind: Mapped[str]
    version: Mapped[int]
    spec: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]


class FitRow(Table):
    """What a whole-dataset signal learnt from which items; its artifact is a file.

    `pool` names the policy and filter that decide which items, NULL: all of the dataset.
    `current_at` is what the dataset was (`service.computed.CONTENT`) when a look at all items last
    found the fit up to date.
    """

    __tablename__ = "fits"
    __table_args__ = (
        UniqueConstraint("signal_id", "pool", "items_sha256", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    signal_id: Mapped[int] = mapped_column(ForeignKey(SignalRow.id, ondelete="CASCADE"))
    pool: Mapped[str | None]
    items_sha256: Mapped[str]  # of the sorted ids of the items it saw
    items: Mapped[int]
    artifact: Mapped[str]  # file key, by content hash
    metrics: Mapped[dict[str, Any]]
    current_at: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class Score(Table):
    """One cell: item × signal output. A finite value, or missing with a status."""

    __tablename__ = "scores"
    __table_args__ = (
        UniqueConstraint(
            "signal_id", "fit_id", "output", "item_id", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("(value IS NULL) = (status <> 'ok')", name="value_or_reason"),
        CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8", name="finite"
        ),
    )
    # The unique constraint is the key; a primary key would forbid the NULL fit of row-wise signals.
    __mapper_args__ = {"primary_key": ["signal_id", "fit_id", "output", "item_id"]}  # noqa: RUF012

    signal_id: Mapped[int] = mapped_column(ForeignKey(SignalRow.id, ondelete="CASCADE"))
    fit_id: Mapped[int | None] = mapped_column(ForeignKey(FitRow.id, ondelete="CASCADE"))
    output: Mapped[str]
    item_id: Mapped[uuid.UUID]
    value: Mapped[float | None]
    status: Mapped[str] = mapped_column(server_default="ok")
    unseen: Mapped[bool] = mapped_column(server_default="false")  # scored, not seen by the fit

    @property
    def page_key(self) -> tuple[str, uuid.UUID]:
        """Where a page of a signal's cells ends."""
        return self.output, self.item_id


class EmbeddingModel(Table):
    """A model with everything that its vectors depend on, in one workspace."""

    __tablename__ = "embedding_models"
    __table_args__ = (UniqueConstraint("workspace_id", "identity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    identity: Mapped[str]
    spec: Mapped[dict[str, Any]]


class EmbeddingRow(Table):
    """A text's vector, unit length; keyed by text hash and model, so each text is embedded once."""

    __tablename__ = "embeddings"

    model_id: Mapped[int] = mapped_column(
        ForeignKey(EmbeddingModel.id, ondelete="CASCADE"), primary_key=True
    )
    text_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    vector: Mapped[Any] = mapped_column(HALFVEC())
    truncated: Mapped[bool]


class EmbeddedPrompt(Table):
    """A prompt whose text a model has embedded: `text_id` is the key of its vector.

    Written when a job has embedded all prompts of a dataset: vectors are named by text.
    """

    __tablename__ = "embedded_prompts"

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    model_id: Mapped[int] = mapped_column(
        ForeignKey(EmbeddingModel.id, ondelete="CASCADE"), primary_key=True
    )
    prompt_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    text_id: Mapped[uuid.UUID]


Index("scores_item_id_idx", Score.item_id)
