"""vectors of prompts for filters, score rows that are read without a copy"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0016"
branch_labels = None
depends_on = None

KINDS = ("ingest", "score", "select", "evaluate", "export", "fetch", "pair_build", "erase")


def allow(*kinds: str) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({listed})")


def upgrade() -> None:
    allow(*KINDS, "embed_text")
    op.create_table(
        "embedded_prompts",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "embedded_prompts_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["embedding_models.id"],
            "embedded_prompts_model_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "dataset_id", "model_id", "prompt_id", name="embedded_prompts_pkey"
        ),
    )
    # An array that is stored packed is copied each time that one of its values is read.
    op.execute("ALTER TABLE pair_scores ALTER COLUMN values SET STORAGE PLAIN")


def downgrade() -> None:
    op.execute("ALTER TABLE pair_scores ALTER COLUMN values SET STORAGE EXTENDED")
    op.drop_table("embedded_prompts")
    op.execute("DELETE FROM jobs WHERE kind = 'embed_text'")
    allow(*KINDS)
