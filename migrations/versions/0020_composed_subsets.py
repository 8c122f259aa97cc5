"""subsets made of a filter, a policy and several seeds, with tags"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    empty = {"asked": "{}", "tags": "[]"}
    for name, value in empty.items():
        op.add_column(
            "subsets",
            sa.Column(name, JSONB(), server_default=sa.text(f"'{value}'"), nullable=False),
        )
    op.add_column("subset_items", sa.Column("share", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("subset_items", "share")
    for name in ("tags", "asked"):
        op.drop_column("subsets", name)
