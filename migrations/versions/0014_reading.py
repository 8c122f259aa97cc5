"""a key that cursors are signed with, records by their prompt, when a snapshot was last read"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

# gen_random_uuid has 122 bits of the system's own randomness; pgcrypto may not be installed.
RANDOM = "sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))"


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="secrets_pkey"),
    )
    op.execute(f"INSERT INTO secrets VALUES ('cursors', {RANDOM})")
    op.create_index("records_dataset_id_prompt_id_idx", "records", ["dataset_id", "prompt_id"])
    op.add_column(
        "snapshots",
        sa.Column(
            "used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
    )


def downgrade() -> None:
    op.drop_column("snapshots", "used_at")
    op.drop_index("records_dataset_id_prompt_id_idx", "records")
    op.drop_table("secrets")
