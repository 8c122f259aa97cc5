"""erased sources and annotators, and uploads that are withdrawn"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = ["ingest", "score", "select", "evaluate", "export", "fetch", "pair_build"]
STATES = ["stored", "ingested", "failed"]
NOW = sa.text("now()")


def upgrade() -> None:
    allow("uploads", "uploadstate", "state", [*STATES, "withdrawn", "erased"])
    allow("jobs", "jobkind", "kind", [*KINDS, "erase"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("exports", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("erased", JSONB(), nullable=True),
        sa.Column("touched", JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "erasures_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], "erasures_job_id_fkey", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="erasures_pkey"),
    )
    op.create_index("erasures_dataset_id_idx", "erasures", ["dataset_id"])


def downgrade() -> None:
    op.drop_table("erasures")
    allow("jobs", "jobkind", "kind", KINDS)
    allow("uploads", "uploadstate", "state", STATES)


def allow(table: str, constraint: str, column: str, values: list[str]) -> None:
    """The column holds one of these values."""
    op.drop_constraint(constraint, table, type_="check")
    named = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(constraint, table, f"{column} IN ({named})")
