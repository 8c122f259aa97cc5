"""Deletes stored files that nothing needs any more."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import String, cast, delete, event, exists, func, select, text
from sqlalchemy.orm import Session

from service import files
from service.tables.audits import Audit
from service.tables.datasets import Dataset, Upload, UploadState
from service.tables.scores import FitRow, SignalRow
from service.tables.subsets import Export
from service.tables.viewer import ParquetShard, Snapshot

REPLACED = "replaced_files"


def delete_upload_file(session: Session, upload: Upload, sha256: bytes) -> None:
    """The file of an upload, unless an upload elsewhere brought the same bytes."""
    gone = (UploadState.failed, UploadState.erased)
    others = exists().where(
        Upload.sha256 == sha256, Upload.id != upload.id, Upload.state.not_in(gone)
    )
    if not session.scalar(select(others)):
        files.delete(files.upload_key(sha256))


def delete_export_files(session: Session, exports: Iterable[Export]) -> None:
    """The files of these exports; each is `erased` afterwards."""
    for export in exports:
        written: dict[str, Any] = export.files or {}
        export.files, export.state = None, "erased"
        session.flush()
        for key in {each["key"] for each in written.values()}:
            named = func.strpos(cast(Export.files, String), key) > 0
            if not session.scalar(select(exists().where(named))):
                files.delete(key)


def delete_audits(session: Session, dataset_id: uuid.UUID, uploads: Iterable[uuid.UUID]) -> None:
    """The findings of audits that read one of these uploads; each is `erased` afterwards."""
    touched = {str(id) for id in uploads}
    ready = select(Audit).where(Audit.dataset_id == dataset_id, Audit.state == "ready")
    for audit in session.scalars(ready):
        if touched.isdisjoint(audit.uploads or ()):
            continue
        written: dict[str, Any] = audit.files or {}
        audit.files = audit.summary = None
        audit.state = "erased"
        for each in written.values():
            files.delete(each["key"])
    session.flush()


def delete_views(session: Session, dataset_id: uuid.UUID) -> None:
    """All that the read side remembers of the dataset, with its Parquet files. Waits for requests
    that read it; a stream that goes on, or a page of an earlier snapshot, gets 410."""
    own = select(Snapshot.id).where(Snapshot.dataset_id == dataset_id)
    session.execute(own.with_for_update())
    shards = select(ParquetShard.key).where(ParquetShard.snapshot_id.in_(own))
    keys = session.scalars(shards).all()
    session.execute(delete(Snapshot).where(Snapshot.dataset_id == dataset_id))
    for key in keys:
        files.delete(key)


def delete_fits(session: Session, dataset_id: uuid.UUID) -> None:
    """All that signals learnt from the dataset, words of its prompts among it. Their scores are
    missing until they are computed again."""
    own = select(SignalRow.id).where(SignalRow.dataset_id == dataset_id)
    gone = delete(FitRow).where(FitRow.signal_id.in_(own)).returning(FitRow.artifact)
    for key in unnamed_artifacts(session, session.scalars(gone)):
        files.delete(key)


def delete_dataset(session: Session, dataset: Dataset) -> None:
    """The dataset with everything that was made of it. Files go once that is committed; those of
    its uploads with the next sweep after `resumable_hours`."""
    own = select(SignalRow.id).where(SignalRow.dataset_id == dataset.id)
    artifacts = {*session.scalars(select(FitRow.artifact).where(FitRow.signal_id.in_(own)))}
    artifacts |= {*session.scalars(EXPORTED, {"dataset": dataset.id})}
    viewed = select(ParquetShard.key).join(Snapshot, Snapshot.id == ParquetShard.snapshot_id)
    others = {*session.scalars(viewed.where(Snapshot.dataset_id == dataset.id))}
    audits = select(Audit.files).where(Audit.dataset_id == dataset.id, Audit.files.is_not(None))
    others |= {each["key"] for files in session.scalars(audits) for each in (files or {}).values()}
    session.execute(delete(Dataset).where(Dataset.id == dataset.id))
    delete_after_commit(session, others | unnamed(session, artifacts))


EXPORTED = text("""
SELECT file.value ->> 'key' FROM subsets s JOIN exports e ON e.subset_id = s.id,
    jsonb_each(e.files) file
WHERE s.dataset_id = :dataset AND jsonb_typeof(e.files) = 'object'
""")
NAMED = text("""
SELECT artifact FROM fits WHERE artifact = ANY(:keys)
UNION SELECT file.value ->> 'key' FROM exports e, jsonb_each(e.files) file
WHERE jsonb_typeof(e.files) = 'object' AND file.value ->> 'key' = ANY(:keys)
""")


def unnamed(session: Session, keys: Iterable[str]) -> set[str]:
    """Those that neither a fit nor an export names: what is equal shares a file."""
    found = {*keys}
    return found - {*session.scalars(NAMED, {"keys": [*found]})} if found else found


def unnamed_artifacts(session: Session, keys: Iterable[str]) -> set[str]:
    """Those that no fit names: equal fits share a file."""
    found = set(keys)
    return found - set(session.scalars(select(FitRow.artifact).where(FitRow.artifact.in_(found))))


def delete_after_commit(session: Session, keys: Iterable[str]) -> None:
    """These files, once, and only if, what the session holds is committed."""
    session.info.setdefault(REPLACED, set[str]()).update(keys)


@event.listens_for(Session, "after_commit")
def delete_replaced(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint: nothing is committed yet
        return
    for key in session.info.pop(REPLACED, ()):
        files.delete(key)


@event.listens_for(Session, "after_rollback")
def keep_replaced(session: Session) -> None:
    session.info.pop(REPLACED, None)
