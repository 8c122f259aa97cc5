"""verdicts of humans on review"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verdicts",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.String(), nullable=True),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("prompt_id", sa.Uuid(), nullable=True),
        sa.Column("a", sa.Uuid(), nullable=True),
        sa.Column("b", sa.Uuid(), nullable=True),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("erased", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "verdicts_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "version", name="verdicts_pkey"),
        sa.CheckConstraint(
            "said IN ('a', 'b', 'tie', 'both_bad')", name=op.f("verdicts_said_check")
        ),
        sa.CheckConstraint(
            "erased OR (said IS NULL) = (undoes IS NOT NULL)",
            name=op.f("verdicts_says_or_undoes_check"),
        ),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("verdicts")
