"""items and labels belong to their dataset or upload

Foreign keys between items made a dataset's deletion quadratic (the referencing columns have no
index of their own) and took half of an ingest's time. What is kept is the owner: one indexed
delete a table.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LABELS = ("comparisons", "ratings", "rankings", "feedback")
# (table, columns, table referred to, its columns)
BETWEEN_ITEMS = [
    ("responses", ["dataset_id", "prompt_id"], "prompts", ["dataset_id", "id"]),
    ("records", ["dataset_id", "prompt_id"], "prompts", ["dataset_id", "id"]),
    ("pairs", ["dataset_id", "prompt_id"], "prompts", ["dataset_id", "id"]),
    ("pairs", ["upload_id", "line"], "records", ["upload_id", "line"]),
    *[(table, ["upload_id", "line"], "records", ["upload_id", "line"]) for table in LABELS],
]
TO_OWNERS = [
    ("responses", ["dataset_id"], "datasets", ["id"]),
    ("pairs", ["dataset_id"], "datasets", ["id"]),
    *[(table, ["upload_id"], "uploads", ["id"]) for table in LABELS],
]


def name(table: str, columns: list[str]) -> str:
    return op.f(f"{table}_{'_'.join(columns)}_fkey")


def upgrade() -> None:
    replace(BETWEEN_ITEMS, TO_OWNERS)


def downgrade() -> None:
    replace(TO_OWNERS, BETWEEN_ITEMS)


def replace(
    old: list[tuple[str, list[str], str, list[str]]],
    new: list[tuple[str, list[str], str, list[str]]],
) -> None:
    for table, columns, _, _ in old:
        op.drop_constraint(name(table, columns), table, type_="foreignkey")
    for table, columns, owner, keys in new:
        op.create_foreign_key(name(table, columns), table, owner, columns, keys, ondelete="CASCADE")
