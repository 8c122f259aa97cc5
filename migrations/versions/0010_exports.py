"""splits that are kept"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "split_assignments",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "split_assignments_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "scheme", "prompt_id", name="split_assignments_pkey"),
    )


def downgrade() -> None:
    op.drop_table("split_assignments")
