"""several records a line, and a column mapping for an upload"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LABELS = ("comparisons", "ratings", "rankings", "feedback")


def upgrade() -> None:
    for table in ("records", *LABELS):
        op.add_column(
            table, sa.Column("part", sa.SmallInteger(), server_default="0", nullable=False)
        )
    rekey_records("upload_id", "line", "part")
    op.add_column("uploads", sa.Column("mapping", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("uploads", "mapping")
    rekey_records("upload_id", "line")
    for table in ("records", *LABELS):
        op.drop_column(table, "part")


def rekey_records(*columns: str) -> None:
    op.drop_constraint("records_pkey", "records", type_="primary")
    op.create_primary_key("records_pkey", "records", list(columns))
