"""an index of the words of pairs, scores in columns of their own"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

revision = "0018"
down_revision = "0019"
branch_labels = None
depends_on = None

KINDS = [
    "ingest", "score", "select", "evaluate", "export", "fetch", "pair_build", "erase", "embed_text",
    "audit",
]  # fmt: skip


def upgrade() -> None:
    set_kinds([*KINDS, "index_words"])
    # So that one index serves a dataset's words: those of others are not read.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.create_table(
        "pair_words",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "pair_words_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pair_id", "dataset_id", name="pair_words_pkey"),
    )
    op.create_index(
        "pair_words_dataset_id_words_idx",
        "pair_words",
        ["dataset_id", "words"],
        postgresql_using="gin",
    )
    scores = [sa.Column(f"s{place}", sa.Double(), nullable=True) for place in range(1, 33)]
    make_pair_scores(*scores, sa.Column("more", ARRAY(sa.Double()), nullable=True))
    op.add_column(
        "snapshots", sa.Column("worded", sa.Boolean(), server_default="false", nullable=False)
    )


def make_pair_scores(*scores: "sa.Column[Any]") -> None:
    """Empty: whoever needs a snapshot's scores writes them."""
    op.drop_table("pair_scores")
    op.create_table(
        "pair_scores",
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        *scores,
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshots.id"], "pair_scores_snapshot_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "position", name="pair_scores_pkey"),
    )
    op.execute("UPDATE snapshots SET scored = false")


def set_kinds(kinds: list[str]) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({named})")


def downgrade() -> None:
    op.drop_column("snapshots", "worded")
    make_pair_scores(sa.Column("values", ARRAY(sa.Double()), nullable=False))
    op.execute("ALTER TABLE pair_scores ALTER COLUMN values SET STORAGE PLAIN")
    op.drop_table("pair_words")
    op.execute("DROP EXTENSION IF EXISTS btree_gin")
    op.execute("DELETE FROM jobs WHERE kind = 'index_words'")
    set_kinds(KINDS)
