"""what a pair rests on that a user's own words decide"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pairs", sa.Column("evidence", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("pairs", "evidence")
