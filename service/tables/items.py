"""Prompts, responses and records: immutable, named by the hash of their content.

Foreign keys lead to the owner (dataset, upload) only, so that it is deleted by one indexed delete
a table. That a response's prompt is there follows from how rows come in: the ingest writes both
in one transaction, and items are never deleted one by one.
"""

import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset, Upload
from service.tables.metadata import Table


class Prompt(Table):
    """`id` is the first 16 bytes of the hash of the canonical messages."""

    __tablename__ = "prompts"

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    modality: Mapped[str] = mapped_column(server_default="text")
    messages: Mapped[list[Any]]


class Response(Table):
    """An answer to a prompt: `text`, or `messages` where it has several turns, or a media `uri`."""

    __tablename__ = "responses"

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    prompt_id: Mapped[uuid.UUID]
    text: Mapped[str | None] = mapped_column(Text)
    messages: Mapped[list[Any] | None]
    uri: Mapped[str | None]
    model: Mapped[str | None]


class Record(Table):
    """A prompt of an upload's line: which items it named, and all that it said besides labels.

    `part` counts the prompts of one line from 0: a tree holds several.

    `responses` lists `{"id": the line's own id, "response_id": …, "scores": …}` in the line's
    order; NULL where the layout implies them (chosen, rejected). `extra` holds unknown keys.
    """

    __tablename__ = "records"
    __table_args__ = (Index(None, "dataset_id", "prompt_id"),)

    upload_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Upload.id, ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="0")
    dataset_id: Mapped[uuid.UUID]
    prompt_id: Mapped[uuid.UUID]
    record_id: Mapped[str | None]
    responses: Mapped[list[Any] | None]
    gold: Mapped[dict[str, Any] | None]
    extra: Mapped[dict[str, Any] | None]
