"""Which split each prompt is in, and what tells which prompts belong together.

Not foreign keys to prompts, as with all items: an erasure deletes these rows itself.
"""

import uuid

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import Table


class SplitAssignment(Table):
    """The split that a prompt has once and for all, under one way of splitting."""

    __tablename__ = "split_assignments"

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    scheme: Mapped[str] = mapped_column(primary_key=True)  # hash of seed, fraction, what is kept
    prompt_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    split: Mapped[str]  # train | test | left_out


class PromptFingerprint(Table):
    """`hashes`: 116 bytes, `curation.grouping.FINGERPRINT`; made when they are first asked for."""

    __tablename__ = "prompt_fingerprints"

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    prompt_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    hashes: Mapped[bytes]
