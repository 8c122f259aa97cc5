"""Deletes stored files that nothing needs any more."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import String, cast, delete, exists, func, select
from sqlalchemy.orm import Session

from service import files
from service.tables.audits import Audit
from service.tables.datasets import Upload, UploadState
from service.tables.subsets import Export
from service.tables.viewer import ParquetShard, Snapshot


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
