"""sketches of what is left above a threshold, and the job that makes them"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KINDS = [
    "ingest", "score", "select", "evaluate", "export", "fetch", "pair_build", "erase", "embed_text",
    "audit", "index_words",
]  # fmt: skip


def upgrade() -> None:
    set_kinds([*KINDS, "what_if"])
    op.create_table(
        "threshold_sketches",
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["snapshots.id"],
            "threshold_sketches_snapshot_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "fields", name="threshold_sketches_pkey"),
    )
    # It is compressed already.
    op.execute("ALTER TABLE threshold_sketches ALTER COLUMN content SET STORAGE EXTERNAL")


def set_kinds(kinds: list[str]) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({named})")


def downgrade() -> None:
    op.drop_table("threshold_sketches")
    op.execute("DELETE FROM jobs WHERE kind = 'what_if'")
    set_kinds(KINDS)
