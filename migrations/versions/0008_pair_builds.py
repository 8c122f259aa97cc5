"""pair policies and their builds"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KINDS = ["ingest", "score", "select", "evaluate", "export", "fetch"]
COLUMNS = [
    ("margin", sa.Double()),
    ("soft_label", sa.Double()),
    ("curriculum_stage", sa.SmallInteger()),
    ("build_id", sa.Uuid()),
]


def upgrade() -> None:
    op.create_table(
        "pair_builds",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("policy", JSONB(), nullable=False),
        sa.Column("policy_sha256", sa.String(), nullable=False),
        sa.Column("labels_sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("report", JSONB(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "pair_builds_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], "pair_builds_job_id_fkey", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pair_builds_pkey"),
        sa.UniqueConstraint("dataset_id", "ordinal", name="pair_builds_dataset_id_ordinal_key"),
    )  # fmt: skip
    for name, kind in COLUMNS:
        op.add_column("pairs", sa.Column(name, kind, nullable=True))
    op.create_foreign_key(
        "pairs_build_id_fkey", "pairs", "pair_builds", ["build_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(
        "pairs_build_id_idx", "pairs", ["build_id"],
        postgresql_where=sa.text("build_id IS NOT NULL"),
    )  # fmt: skip
    op.add_column(
        "uploads", sa.Column("decide", sa.String(), server_default="majority", nullable=False)
    )
    set_kinds([*KINDS, "pair_build"])


def set_kinds(kinds: list[str]) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({named})")


def downgrade() -> None:
    op.execute("DELETE FROM pairs WHERE build_id IS NOT NULL")
    op.execute("DELETE FROM jobs WHERE kind = 'pair_build'")
    set_kinds(KINDS)
    op.drop_column("uploads", "decide")
    for name, _ in reversed(COLUMNS):
        op.drop_column("pairs", name)
    op.drop_table("pair_builds")
