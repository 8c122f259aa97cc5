"""Verdicts whose pair, or whose author, leaves the dataset: the version stays, and nothing else."""

from sqlalchemy.orm import Session

from service.labels.unnamed import removed
from service.tables.erasures import Erasure
from service.tables.labels import Annotator

ERASED = """
UPDATE verdicts v SET erased = true, said = NULL, upload_id = NULL, line = NULL, prompt_id = NULL,
    a = NULL, b = NULL, author = NULL, reason = NULL
WHERE v.dataset_id = :dataset AND NOT v.erased AND ({})
"""
# A line that nothing stands on any more, and texts that nobody else brought.
GONE = """
v.undoes IS NULL AND (v.upload_id = :source
    OR NOT EXISTS (SELECT FROM records r WHERE r.upload_id = v.upload_id AND r.line = v.line)
    OR EXISTS (SELECT FROM unnest(ARRAY[v.a, v.b]) AS named(id) WHERE NOT EXISTS
        (SELECT FROM responses r WHERE r.dataset_id = v.dataset_id AND r.id = named.id)))
OR v.author = :author
"""
# Why one of them was taken back may quote it.
UNDOINGS = """
v.undoes IN (SELECT u.version FROM verdicts u WHERE u.dataset_id = :dataset AND u.erased)
"""


def author_of(session: Session, erasure: Erasure) -> str | None:
    """The name that an annotator's own verdicts are signed with; asked before the erasure."""
    if erasure.source != "annotator":
        return None
    found = session.get(Annotator, (erasure.dataset_id, erasure.source_id))
    return found.name if found is not None and found.kind == "human" else None


def erase_verdicts(session: Session, erasure: Erasure, author: str | None) -> int:
    """Afterwards; how many there were. An undoing keeps its effect."""
    values = {"dataset": erasure.dataset_id}
    about = {"source": erasure.source_id, "author": author}
    count = removed(session, ERASED.format(GONE), **values, **about)
    count += removed(session, ERASED.format(UNDOINGS), **values)
    return count
