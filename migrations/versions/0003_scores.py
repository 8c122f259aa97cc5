"""scores and embeddings"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "signals",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("spec", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("signals_dataset_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("signals_pkey")),
        sa.UniqueConstraint("dataset_id", "identity", name=op.f("signals_dataset_id_identity_key")),
    )
    op.create_table(
        "fits",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("items_sha256", sa.String(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("artifact", sa.String(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["signal_id"], ["signals.id"], name=op.f("fits_signal_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("fits_pkey")),
        sa.UniqueConstraint(
            "signal_id", "items_sha256", name=op.f("fits_signal_id_items_sha256_key")
        ),
    )
    op.create_table(
        "scores",
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("fit_id", sa.BigInteger(), nullable=True),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("status", sa.String(), server_default="ok", nullable=False),
        sa.Column("unseen", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "(value IS NULL) = (status <> 'ok')", name=op.f("scores_value_or_reason_check")
        ),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8",
            name=op.f("scores_finite_check"),
        ),
        sa.ForeignKeyConstraint(
            ["fit_id"], ["fits.id"], name=op.f("scores_fit_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["signal_id"], ["signals.id"], name=op.f("scores_signal_id_fkey"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "signal_id",
            "fit_id",
            "output",
            "item_id",
            name=op.f("scores_signal_id_fit_id_output_item_id_key"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("scores_item_id_idx", "scores", ["item_id"], unique=False)
    op.create_table(
        "embedding_models",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("spec", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("embedding_models_workspace_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("embedding_models_pkey")),
        sa.UniqueConstraint(
            "workspace_id", "identity", name=op.f("embedding_models_workspace_id_identity_key")
        ),
    )
    op.create_table(
        "embeddings",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=False),
        sa.Column("vector", HALFVEC(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["embedding_models.id"],
            name=op.f("embeddings_model_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "text_id", name=op.f("embeddings_pkey")),
    )


def downgrade() -> None:
    for table in ["embeddings", "embedding_models", "scores", "fits", "signals"]:
        op.drop_table(table)
