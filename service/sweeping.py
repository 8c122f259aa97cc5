"""Takes away what nobody will come back for: unfinished uploads, old answers, stray files."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from service import db, files
from service.config import settings
from service.intake.idempotency import expired
from service.intake.take import STORE_LOCK
from service.labels.disposal import unnamed
from service.tables.audits import Audit
from service.tables.datasets import Upload
from service.tables.sessions import IdempotencyKey, UploadPart, UploadSession
from service.tables.viewer import ParquetShard

log = structlog.get_logger(__name__)

SWEEP_LOCK = 0x73776565
YOUNG_HOURS = 1  # a file is stored some moments before its row is there


def sweep() -> int:
    """One process at a time; how many files were removed."""
    with db.new_session.begin() as session:
        if not session.scalar(select(func.pg_try_advisory_xact_lock(SWEEP_LOCK))):
            return 0
        session.execute(delete(IdempotencyKey).where(expired()))
        keys = [*expire_sessions(session)]
    for key in keys:
        files.remove(key)
    stray = [
        *remove_incoming(), *remove_stored(), *remove_artifacts(), *remove_viewed(),
        *remove_audits(),
    ]  # fmt: skip
    if keys or stray:
        log.info("swept", expired=len(keys), stray=len(stray))
    return len(keys) + len(stray)


def expire_sessions(session: Session) -> Sequence[str]:
    """Forget the upload sessions that have run out; the keys of their parts."""
    over = select(UploadSession.id).where(UploadSession.expires_at <= func.now())
    found = session.scalars(over.with_for_update(skip_locked=True)).all()
    parts = select(UploadPart.key).where(UploadPart.session_id.in_(found))
    keys = session.scalars(parts).all()
    session.execute(delete(UploadSession).where(UploadSession.id.in_(found)))
    return keys


def old_files(folder: str, hours: float | None = None) -> Iterator[tuple[Any, str]]:
    """(file system, path) of files that were not written for so long, or as an upload may rest."""
    file_system, root = files.path_of(folder)
    if not file_system.exists(root):
        return
    for path in file_system.find(root):
        try:
            if is_old(file_system, path, hours):
                yield file_system, path
        except FileNotFoundError:
            continue  # became an upload, or was dropped


def is_old(file_system: Any, path: str, hours: float | None = None) -> bool:
    hours = settings.resumable_hours if hours is None else hours
    return file_system.modified(path) < datetime.now(UTC) - timedelta(hours=hours)


def remove_incoming() -> list[str]:
    """Files of requests whose server was killed: no session has them as a part."""
    removed: list[str] = []
    for _, path in old_files(files.INCOMING):
        key = f"{files.INCOMING}/{path.rsplit('/', 1)[-1]}"
        with db.new_session() as session:
            known = session.scalar(select(UploadPart.key).where(UploadPart.key == key))
        if known is None:
            files.remove(key)
            removed.append(key)
    return removed


def remove_stored() -> list[str]:
    """Files of uploads that are no more: deleted with their dataset, or never committed."""
    removed: list[str] = []
    for file_system, path in old_files("uploads"):
        sha256 = bytes.fromhex(path.rsplit("/", 1)[-1])
        with db.new_session.begin() as session:
            # Nobody is between storing a file and committing its upload.
            session.execute(select(func.pg_advisory_xact_lock(STORE_LOCK)))
            if session.scalar(select(Upload.id).where(Upload.sha256 == sha256).limit(1)) is None:
                key = files.upload_key(sha256)
                if file_system.exists(path):
                    files.remove(key)
                    removed.append(key)
    return removed


def remove_artifacts() -> list[str]:
    """Files of fits and exports that are no more: a worker was killed before it committed them."""
    found = {
        files.artifact_key(path.rsplit("/", 1)[-1]): (file_system, path)
        for file_system, path in old_files(files.ARTIFACTS)
    }
    with db.new_session() as session:
        stray = sorted(unnamed(session, found))
    removed: list[str] = []
    for key in stray:
        file_system, path = found[key]
        if file_system.exists(path) and is_old(file_system, path):  # not stored again meanwhile
            files.remove(key)
            removed.append(key)
    return removed


def remove_viewed() -> list[str]:
    """The viewer's Parquet files of snapshots that are no more: forgotten, or deleted with their
    dataset."""
    found = {
        f"{files.VIEWED}/{'/'.join(path.rsplit('/', 2)[-2:])}"
        for _, path in old_files(files.VIEWED, YOUNG_HOURS)
    }
    if not found:
        return []
    with db.new_session() as session:
        known = set(session.scalars(select(ParquetShard.key).where(ParquetShard.key.in_(found))))
    for key in (removed := sorted(found - known)):
        files.delete(key)
    return removed


def remove_audits() -> list[str]:
    """Files of audits that are no more: deleted with their dataset, or stored by a worker that was
    killed before its audit was ready."""
    removed: list[str] = []
    for _, path in old_files(files.AUDITS, YOUNG_HOURS):
        audit, sha256 = path.rsplit("/", 2)[-2:]
        key = files.audit_key(uuid.UUID(audit), sha256)
        with db.new_session() as session:
            written = session.scalar(select(Audit.files).where(Audit.id == uuid.UUID(audit)))
        if key not in {each["key"] for each in (written or {}).values()}:
            files.delete(key)
            removed.append(key)
    return removed
