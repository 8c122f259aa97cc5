"""audits of labels as jobs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = [
    "ingest", "score", "select", "evaluate", "export", "fetch", "pair_build", "erase", "embed_text",
]  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("options", JSONB(), nullable=False),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("uploads", JSONB(), nullable=True),
        sa.Column("summary", JSONB(), nullable=True),
        sa.Column("files", JSONB(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "audits_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], "audits_job_id_fkey", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="audits_pkey"),
    )  # fmt: skip
    op.create_index("audits_dataset_id_idx", "audits", ["dataset_id"])
    set_kinds([*KINDS, "audit"])


def set_kinds(kinds: list[str]) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({named})")


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE kind = 'audit'")
    set_kinds(KINDS)
    op.drop_table("audits")
