"""How large values are stored: lz4 where the server was built with it."""

from alembic import op
from sqlalchemy import text

LZ4_AVAILABLE = text(
    "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
)


def compress(table: str, column: str) -> None:
    """lz4, else no compression: the default, pglz, makes COPY of texts 1.7 times slower.

    The embedded server has no lz4; a server with it gets it. Rows are the same either way.
    """
    lz4 = op.get_bind().scalar(LZ4_AVAILABLE)
    how = "SET COMPRESSION lz4" if lz4 else "SET STORAGE EXTERNAL"
    op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} {how}")
