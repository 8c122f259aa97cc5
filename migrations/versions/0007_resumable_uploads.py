"""resumable uploads, idempotency keys, and imports"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
KINDS = ["ingest", "score", "select", "evaluate", "export"]


def upgrade() -> None:
    op.create_table(
        "upload_sessions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("options", JSONB(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("received", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], "upload_sessions_dataset_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], "upload_sessions_upload_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="upload_sessions_pkey"),
    )
    for column in ("dataset_id", "upload_id", "expires_at"):
        op.create_index(f"upload_sessions_{column}_idx", "upload_sessions", [column])
    op.create_table(
        "upload_parts",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["upload_sessions.id"], "upload_parts_session_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "start", name="upload_parts_pkey"),
        sa.UniqueConstraint("key", name="upload_parts_key_key"),
    )  # fmt: skip
    create_idempotency_keys()
    set_kinds([*KINDS, "fetch"])


def set_kinds(kinds: list[str]) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({named})")


def create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("headers", JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], "idempotency_keys_workspace_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "route", "key", name="idempotency_keys_pkey"),
    )  # fmt: skip
    op.create_index("idempotency_keys_created_at_idx", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE kind = 'fetch'")
    set_kinds(KINDS)
    for table in ("idempotency_keys", "upload_parts", "upload_sessions"):
        op.drop_table(table)
