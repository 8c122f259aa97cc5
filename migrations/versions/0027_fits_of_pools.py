"""which pool a fit is of, when it was last up to date, and groups of duplicates that are none"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ITEMS = "fits_signal_id_items_sha256_key"
POOL_ITEMS = "fits_signal_id_pool_items_sha256_key"


def upgrade() -> None:
    op.add_column("fits", sa.Column("pool", sa.String(), nullable=True))
    op.add_column("fits", sa.Column("current_at", sa.String(), nullable=True))
    op.drop_constraint(ITEMS, "fits", type_="unique")
    op.create_unique_constraint(
        POOL_ITEMS, "fits", ["signal_id", "pool", "items_sha256"],
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "undone_groups",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("signal", JSONB(), nullable=False),
        sa.Column("members", JSONB(), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("redone_by", sa.String(), nullable=True),
        sa.Column("redone_at", moment, nullable=True),
        sa.CheckConstraint(
            "unit IN ('prompt', 'response', 'pair')", name=op.f("undone_groups_unit_check")
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("undone_groups_dataset_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("undone_groups_pkey")),
    )  # fmt: skip
    op.create_index(op.f("undone_groups_dataset_id_idx"), "undone_groups", ["dataset_id"])


def downgrade() -> None:
    op.drop_table("undone_groups")
    op.execute("DELETE FROM fits WHERE pool IS NOT NULL")
    op.drop_constraint(POOL_ITEMS, "fits", type_="unique")
    op.create_unique_constraint(ITEMS, "fits", ["signal_id", "items_sha256"])
    for name in ("current_at", "pool"):
        op.drop_column("fits", name)
