"""advice as jobs"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KINDS = [
    "ingest", "score", "select", "evaluate", "export", "fetch", "pair_build", "erase", "embed_text",
    "audit", "index_words", "what_if",
]  # fmt: skip


def upgrade() -> None:
    set_kinds([*KINDS, "advise"])


def set_kinds(kinds: list[str]) -> None:
    op.drop_constraint("jobkind", "jobs", type_="check")
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint("jobkind", "jobs", f"kind IN ({named})")


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE kind = 'advise'")
    set_kinds(KINDS)
