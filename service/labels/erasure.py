"""Takes a source out of a dataset: withdrawn for a while, or erased for good."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.items import View
from service.columns import load_pairs, view_texts
from service.ingest.copying import Chunk, copy_part, raw_connection
from service.ingest.normalise import Place, add_line
from service.ingest.store import hold_dataset
from service.labels.records import Stored, load_records
from service.labels.unnamed import delete_unnamed, delete_vectors, removed
from service.tables.datasets import Upload, UploadState
from service.tables.erasures import Erasure

CHUNK_LINES = 2000  # whose pairs are written together
BLOCK = 1000  # pairs whose texts are looked up together
LABELS = ("comparisons", "ratings", "rankings", "feedback")


class Line(NamedTuple):
    upload_id: uuid.UUID
    line: int


def withdraw(session: Session, upload: Upload) -> dict[str, Any]:
    """Hide an upload: its records take no part in anything new, and its pairs go. Undone by
    `restore`. Returns what had been made with it, as `Erasure.touched`."""
    hold_dataset(session, upload.dataset_id)
    mark_lines(session, "SELECT :upload AS upload_id, line FROM records WHERE upload_id = :upload",
               upload=upload.id)  # fmt: skip
    found = touched(session, upload.dataset_id)
    delete_pairs(session, upload.dataset_id)
    upload.state = UploadState.withdrawn
    session.flush()
    return found


def restore(session: Session, upload: Upload) -> int:
    """Bring a withdrawn upload back; the number of its pairs, which have the ids they had."""
    hold_dataset(session, upload.dataset_id)
    upload.state = UploadState.ingested
    session.flush()
    records = load_records(session, upload.dataset_id, upload.id)
    return write_pairs(session, upload, records, lambda _: True)


def erase(session: Session, erasure: Erasure) -> None:
    """Delete what the source said and all that only it named. Fills in the erasure.

    What has files is the caller's to delete: uploads that held it, and fits that learnt from it.
    """
    hold_dataset(session, erasure.dataset_id)
    mark_source(session, erasure)
    erasure.touched = touched(session, erasure.dataset_id)
    texts = touched_texts(session, erasure.dataset_id)
    counts = Counter(embeddings=delete_vectors(session, erasure.dataset_id, texts))
    counts["pairs"] = delete_pairs(session, erasure.dataset_id)
    if erasure.source == "upload":
        counts.update(delete_upload(session, erasure))
    else:
        counts.update(delete_annotator(session, erasure))
        decide_again(session, erasure.dataset_id)
    counts.update(delete_unnamed(session, erasure.dataset_id))
    for forgotten in (*FORGOTTEN, SHARDS):
        session.execute(text(forgotten), {"dataset": erasure.dataset_id})
    erasure.erased = dict(counts)
    erasure.state = "done"
    session.flush()


def touched_by(session: Session, erasure: Erasure) -> dict[str, Any]:
    """What an erasure would touch; nothing is changed."""
    mark_source(session, erasure)
    return touched(session, erasure.dataset_id)


def mark_source(session: Session, erasure: Erasure) -> None:
    """Collect the lines that hold what the source said."""
    if erasure.source == "upload":
        query = "SELECT upload_id, line FROM records WHERE upload_id = :source"
    else:
        said = (
            "SELECT upload_id, line FROM {} WHERE dataset_id = :dataset AND annotator_id = :source"
        )
        query = " UNION ".join(said.format(table) for table in LABELS)
    mark_lines(session, query, source=erasure.source_id, dataset=erasure.dataset_id)


def touched_uploads(session: Session, erasure: Erasure) -> list[Upload]:
    """Whose files hold what the source said."""
    mark_source(session, erasure)
    ids = session.scalars(text("SELECT DISTINCT upload_id FROM touched_lines")).all()
    if erasure.source == "upload":
        ids = [erasure.source_id]
    return [session.get_one(Upload, id) for id in ids]


def mark_lines(session: Session, query: str, **values: Any) -> None:
    for table in ("touched_lines", "touched_prompts"):
        session.execute(text(f"DROP TABLE IF EXISTS {table}"))
    session.execute(text(f"CREATE TEMP TABLE touched_lines ON COMMIT DROP AS {query}"), values)
    session.execute(text(f"CREATE TEMP TABLE touched_prompts ON COMMIT DROP AS {PROMPTS}"))
    session.execute(text("ANALYZE touched_lines, touched_prompts"))


# The second: beginnings of conversations, which policies write and no record names.
PROMPTS = """
SELECT prompt_id FROM records JOIN touched_lines USING (upload_id, line)
UNION SELECT prompt_id FROM pairs JOIN touched_lines USING (upload_id, line)
"""
# A policy may have built a prompt's pairs from any of its labels.
TOUCHED_PAIRS = """
SELECT p.id FROM pairs p JOIN touched_lines USING (upload_id, line) WHERE p.dataset_id = :dataset
UNION SELECT p.id FROM pairs p JOIN touched_prompts USING (prompt_id)
WHERE p.dataset_id = :dataset AND p.build_id IS NOT NULL
"""
# So that asking for a policy again builds again. A build's examples are texts.
OUTDATED_BUILDS = """
UPDATE pair_builds SET labels_sha256 = '', report = CASE jsonb_typeof(report)
  WHEN 'object' THEN jsonb_set(report, '{examples}', '[]') END
WHERE dataset_id = :dataset
"""
SUBSETS = f"""
SELECT s.id, count(*) FROM subsets s JOIN subset_items i ON i.subset_id = s.id
WHERE s.dataset_id = :dataset AND i.rank IS NOT NULL AND i.pair_id IN ({TOUCHED_PAIRS})
GROUP BY s.id ORDER BY s.created_at
"""
# What was made of a whole dataset may hold records without a pair.
EXPORTS = """
SELECT e.id, e.subset_id FROM exports e JOIN subsets s ON s.id = e.subset_id
WHERE s.dataset_id = :dataset AND (s.id = ANY(:subsets) OR (
    s.recipe ->> 'id' = 'all' AND s.recipe ->> 'where' IS NULL
    AND EXISTS (SELECT FROM touched_lines)
)) ORDER BY e.created_at
"""

# What exports and filters remember: an id is a hash of what a prompt says.
FORGOTTEN = tuple(
    f"DELETE FROM {table} t WHERE t.dataset_id = :dataset AND NOT EXISTS "
    f"(SELECT FROM {items} i WHERE i.dataset_id = t.dataset_id AND i.id = t.{id})"
    for table, items, id in (
        ("split_assignments", "prompts", "prompt_id"),
        ("prompt_fingerprints", "prompts", "prompt_id"),
        ("embedded_prompts", "prompts", "prompt_id"),
        ("pair_words", "pairs", "pair_id"),
    )
)

# What jobs that have ended were about. What advice that was stopped is of stays, as far as it does.
SHARDS = """
UPDATE shards s SET payload = s.payload - ARRAY['items', 'pairs', 'texts'],
  result = CASE
    WHEN jsonb_typeof(s.result -> 'pairs') = 'array' THEN jsonb_set(s.result, '{pairs}', coalesce((
      SELECT jsonb_agg(e.id ORDER BY e.place)
      FROM jsonb_array_elements_text(s.result -> 'pairs') WITH ORDINALITY e(id, place)
      WHERE EXISTS (SELECT FROM pairs p WHERE p.dataset_id = :dataset AND p.id = CAST(e.id AS uuid))
    ), '[]'))
    WHEN jsonb_typeof(s.result -> 'items') = 'array' THEN s.result - ARRAY['items', 'values']
    ELSE s.result END
FROM jobs j
WHERE j.id = s.job_id AND j.dataset_id = :dataset
  AND j.state IN ('succeeded', 'failed', 'cancelled')
  AND (s.payload ?| ARRAY['items', 'pairs', 'texts'] OR s.result ?| ARRAY['items', 'pairs'])
"""


def touched(session: Session, dataset_id: uuid.UUID) -> dict[str, Any]:
    """The subsets that kept pairs of the marked lines, and their exports."""
    subsets = {
        str(id): count for id, count in session.execute(text(SUBSETS), {"dataset": dataset_id})
    }
    ids = [uuid.UUID(id) for id in subsets]
    exports = session.execute(text(EXPORTS), {"dataset": dataset_id, "subsets": ids})
    return {
        "subsets": [{"id": id, "pairs": count} for id, count in subsets.items()],
        "exports": [{"id": str(id), "subset_id": str(subset)} for id, subset in exports],
    }


def delete_pairs(session: Session, dataset_id: uuid.UUID) -> int:
    """The pairs of the marked lines, and those that policies built of their prompts."""
    session.execute(text(OUTDATED_BUILDS), {"dataset": dataset_id})
    query = f"DELETE FROM pairs WHERE dataset_id = :dataset AND id IN ({TOUCHED_PAIRS})"
    return removed(session, query, dataset=dataset_id)


def touched_texts(session: Session, dataset_id: uuid.UUID) -> Iterator[uuid.UUID]:
    """The ids of the texts of these pairs; a text that is still needed is embedded again."""
    found = session.scalars(text(TOUCHED_PAIRS), {"dataset": dataset_id})
    pairs = iter([str(id) for id in found])
    while block := list(islice(pairs, BLOCK)):
        items = load_pairs(session, dataset_id, block)
        yield from {uuid.UUID(id) for view in View for id in view_texts(items, view).ids}


def delete_upload(session: Session, erasure: Erasure) -> dict[str, int]:
    """Every row of the upload but its own, which keeps nothing of the file."""
    counts = {
        table: removed(session, f"DELETE FROM {table} WHERE upload_id = :id", id=erasure.source_id)
        for table in (*LABELS, "records", "rejects")
    }
    upload = session.get_one(Upload, erasure.source_id)
    upload.state, upload.filename, upload.error = UploadState.erased, "erased", None
    upload.sha256 = upload.id.bytes * 2
    return counts


def delete_annotator(session: Session, erasure: Erasure) -> dict[str, int]:
    """Their labels and their name; rejected lines of the same files that name them."""
    values = {"dataset": erasure.dataset_id, "id": erasure.source_id}
    own = "WHERE dataset_id = :dataset AND annotator_id = :id"
    counts = {table: removed(session, f"DELETE FROM {table} {own}", **values) for table in LABELS}
    counts["rejects"] = removed(session, NAMING_REJECTS, **values)
    query = "DELETE FROM annotators WHERE dataset_id = :dataset AND id = :id"
    counts["annotators"] = removed(session, query, **values)
    return counts


NAMING_REJECTS = """
DELETE FROM rejects USING uploads, annotators a
WHERE rejects.upload_id = uploads.id AND uploads.dataset_id = :dataset
AND a.dataset_id = :dataset AND a.id = :id
AND position(convert_to(a.name, 'UTF8') IN rejects.raw) > 0
"""


def decide_again(session: Session, dataset_id: uuid.UUID) -> None:
    """Write the pairs of the marked lines from the labels that are left."""
    found = session.execute(text("SELECT upload_id, line FROM touched_lines ORDER BY 1, 2"))
    lines = {Line(*row) for row in found}
    prompts = list(session.scalars(text("SELECT prompt_id FROM touched_prompts")))
    for upload_id in sorted({line.upload_id for line in lines}):
        upload = session.get_one(Upload, upload_id)
        records = load_records(session, dataset_id, upload_id, prompts)
        write_pairs(session, upload, records, lambda line, of=upload_id: Line(of, line) in lines)


def write_pairs(
    session: Session, upload: Upload, records: Iterator[Stored], wanted: Callable[[int], bool]
) -> int:
    """The pairs that these lines decide, as their ingest wrote them."""
    decide = upload.decide != "none"
    place = Place(upload.dataset_id, upload.id, upload.ordinal, upload.sha256, decide=decide)
    connection = raw_connection(session)
    chunk, count, lines = Chunk(), 0, 0

    def send() -> None:
        for part in chunk.parts():
            if part.table == "pairs":
                copy_part(connection, upload.dataset_id, part)

    for line, of_line in groupby(records, lambda stored: stored.line):
        if not wanted(line):
            continue
        count += add_line(chunk, place, [stored.record for stored in of_line], line)
        lines += 1
        if lines % CHUNK_LINES == 0:
            send()
            chunk = Chunk()
    send()
    return count
