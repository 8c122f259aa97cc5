"""What an ingest must leave behind, asked of the tables themselves."""

from sqlalchemy import text
from sqlalchemy.orm import Session

ITEMS = ("prompts", "responses", "records", "comparisons", "pairs", "ratings", "rankings",
         "feedback", "annotators", "rejects")  # fmt: skip
# Rows that refer to what is not there: no foreign key says so between items.
ORPHANS = """
SELECT (SELECT count(*) FROM responses r LEFT JOIN prompts p
          ON p.dataset_id = r.dataset_id AND p.id = r.prompt_id WHERE p.id IS NULL)
     + (SELECT count(*) FROM records r LEFT JOIN prompts p
          ON p.dataset_id = r.dataset_id AND p.id = r.prompt_id WHERE p.id IS NULL)
     + (SELECT count(*) FROM comparisons c LEFT JOIN records r USING (upload_id, line)
          LEFT JOIN responses a ON a.dataset_id = c.dataset_id AND a.id = c.a
          LEFT JOIN responses b ON b.dataset_id = c.dataset_id AND b.id = c.b
          LEFT JOIN annotators n ON n.dataset_id = c.dataset_id AND n.id = c.annotator_id
          WHERE r.line IS NULL OR a.id IS NULL OR b.id IS NULL
             OR (n.id IS NULL AND c.annotator_id IS NOT NULL))
     + (SELECT count(*) FROM pairs x LEFT JOIN records r USING (upload_id, line)
          LEFT JOIN responses c ON c.dataset_id = x.dataset_id AND c.id = x.chosen_id
          LEFT JOIN responses d ON d.dataset_id = x.dataset_id AND d.id = x.rejected_id
          WHERE r.line IS NULL OR c.prompt_id <> x.prompt_id OR d.prompt_id <> x.prompt_id
             OR c.id IS NULL OR d.id IS NULL OR x.agreement NOT BETWEEN 0 AND 1)
"""
NOT_FINITE = """
SELECT count(*) FROM ratings
WHERE value IN ('NaN', 'Infinity', '-Infinity') OR scale_low = 'NaN' OR scale_high = 'NaN'
"""


def orphans(session: Session) -> int:
    """However old the tables' statistics are: planned as if they were small it takes hours."""
    session.execute(text("SET LOCAL enable_nestloop = off"))
    found = session.scalar(text(ORPHANS))
    session.execute(text("SET LOCAL enable_nestloop = on"))
    return found or 0


def rows(session: Session, *tables: str) -> dict[str, int]:
    return {
        table: session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
        for table in tables or ITEMS
    }
