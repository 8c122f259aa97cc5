"""labels and pairs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.compression import compress

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LARGE = [
    ("comparisons", "rationale"),
    ("ratings", "rationale"),
    ("rankings", "rationale"),
    ("feedback", "rationale"),
    ("feedback", "text"),
]


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("a", sa.Uuid(), nullable=False),
        sa.Column("b", sa.Uuid(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "a",
                "b",
                "tie",
                "both_bad",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("strength", sa.Double(), nullable=True),
        sa.Column("shown", sa.String(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("annotator_id", sa.Uuid(), nullable=True),
        sa.Column("aspect", sa.String(), nullable=True),
        sa.Column("rationale", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id", "line"],
            ["records.upload_id", "records.line"],
            name=op.f("comparisons_upload_id_line_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "line", "ordinal", name=op.f("comparisons_pkey")),
    )
    op.create_table(
        "ratings",
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column("turn", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("scale_low", sa.Double(), nullable=True),
        sa.Column("scale_high", sa.Double(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("annotator_id", sa.Uuid(), nullable=True),
        sa.Column("aspect", sa.String(), nullable=True),
        sa.Column("rationale", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id", "line"],
            ["records.upload_id", "records.line"],
            name=op.f("ratings_upload_id_line_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "line", "ordinal", name=op.f("ratings_pkey")),
    )
    op.create_table(
        "rankings",
        sa.Column("tiers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("annotator_id", sa.Uuid(), nullable=True),
        sa.Column("aspect", sa.String(), nullable=True),
        sa.Column("rationale", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id", "line"],
            ["records.upload_id", "records.line"],
            name=op.f("rankings_upload_id_line_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "line", "ordinal", name=op.f("rankings_pkey")),
    )
    op.create_table(
        "feedback",
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("annotator_id", sa.Uuid(), nullable=True),
        sa.Column("aspect", sa.String(), nullable=True),
        sa.Column("rationale", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id", "line"],
            ["records.upload_id", "records.line"],
            name=op.f("feedback_upload_id_line_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "line", "ordinal", name=op.f("feedback_pkey")),
    )
    op.create_table(
        "pairs",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("prompt_id", sa.Uuid(), nullable=False),
        sa.Column("chosen_id", sa.Uuid(), nullable=False),
        sa.Column("rejected_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("votes", sa.BigInteger(), nullable=False),
        sa.Column("agreement", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id", "prompt_id"],
            ["prompts.dataset_id", "prompts.id"],
            name=op.f("pairs_dataset_id_prompt_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id", "line"],
            ["records.upload_id", "records.line"],
            name=op.f("pairs_upload_id_line_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", "id", name=op.f("pairs_pkey")),
        sa.UniqueConstraint("dataset_id", "position", name=op.f("pairs_dataset_id_position_key")),
    )
    op.create_index(
        op.f("pairs_dataset_id_prompt_id_idx"), "pairs", ["dataset_id", "prompt_id"], unique=False
    )
    for table, column in LARGE:
        compress(table, column)


def downgrade() -> None:
    for table in ["pairs", "feedback", "rankings", "ratings", "comparisons"]:
        op.drop_table(table)
