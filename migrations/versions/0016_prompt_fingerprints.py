"""what tells which prompts belong together"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prompt_fingerprints",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            "prompt_fingerprints_dataset_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", "prompt_id", name="prompt_fingerprints_pkey"),
    )


def downgrade() -> None:
    op.drop_table("prompt_fingerprints")
