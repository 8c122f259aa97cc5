"""What curation computed, as rows: signals, fits, score cells and vectors, written by COPY."""

import hashlib
import io
import tempfile
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from curation.items import Floats
from curation.signals import Fit, Scores, Signal
from curation.signals.signal import OK
from curation.text import render
from service import files
from service.columns import STREAMED, raw, text_id
from service.labels.disposal import delete_after_commit, unnamed_artifacts
from service.tables.items import Prompt
from service.tables.pairs import Pair
from service.tables.scores import EmbeddedPrompt, EmbeddingModel, FitRow, SignalRow


def signal_row(session: Session, dataset_id: uuid.UUID, signal: Signal) -> SignalRow:
    """The row of a signal on a dataset, made where it is new."""
    values = {
        "dataset_id": dataset_id,
        "identity": signal.identity(),
        "kind": str(signal.model_dump()["kind"]),
        "version": signal.version,
        "spec": signal.model_dump(mode="json"),
    }
    session.execute(insert(SignalRow).values(values).on_conflict_do_nothing())
    return session.scalars(
        select(SignalRow).where(
            SignalRow.dataset_id == dataset_id, SignalRow.identity == values["identity"]
        )
    ).one()


def embedding_model(session: Session, workspace_id: uuid.UUID, embedder: Signal) -> EmbeddingModel:
    """The row of an embedding model in a workspace, made where it is new."""
    identity, spec = embedder.identity(), embedder.model_dump(mode="json")
    session.execute(
        insert(EmbeddingModel)
        .values(workspace_id=workspace_id, identity=identity, spec=spec)
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(EmbeddingModel).where(
            EmbeddingModel.workspace_id == workspace_id, EmbeddingModel.identity == identity
        )
    ).one()


def newest_fit(session: Session, signal_id: int, pool: str | None = None) -> FitRow | None:
    """The generation in use: of all of the dataset, or of a pool."""
    newest = select(FitRow).where(FitRow.signal_id == signal_id).order_by(FitRow.id.desc())
    newest = newest.where(FitRow.pool.is_not_distinct_from(pool))
    return session.scalars(newest.limit(1)).first()


def items_sha256(ids: Sequence[str]) -> str:
    """Names a set of items, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def store_fit(
    session: Session, signal_id: int, ids: Sequence[str], fit: Fit, pool: str | None = None
) -> FitRow:
    """The artifact as a file by content hash, and its row: the newest, also where an earlier fit
    saw the same items, which it replaces with its file."""
    again = delete(FitRow).where(FitRow.items_sha256 == items_sha256(ids))
    again = again.where(FitRow.signal_id == signal_id, FitRow.pool.is_not_distinct_from(pool))
    mine = again.returning(FitRow.artifact)
    replaced = session.scalars(mine).all()
    with tempfile.TemporaryFile() as artifact:  # of a million vectors it has gigabytes
        np.savez(artifact, allow_pickle=False, **dict(fit.arrays))
        artifact.seek(0)
        key = files.put(artifact)
    row = FitRow(
        signal_id=signal_id,
        pool=pool,
        items_sha256=items_sha256(ids),
        items=len(ids),
        artifact=key,
        metrics=dict(fit.metrics),
    )
    session.add(row)
    session.flush()
    delete_after_commit(session, unnamed_artifacts(session, replaced))
    return row


def load_fit(row: FitRow) -> Fit:
    with files.open(row.artifact) as stored:
        content = io.BytesIO(stored.read())
    with np.load(content, allow_pickle=False) as arrays:
        return Fit({name: arrays[name] for name in arrays.files}, row.metrics)


INCOMING_CELLS = """
CREATE TEMP TABLE IF NOT EXISTS incoming_cells
    (output text, item_id uuid, value float8, status text, unseen bool) ON COMMIT DELETE ROWS
"""
COPY_CELLS = "COPY incoming_cells FROM STDIN (FORMAT binary)"
INSERT_CELLS = """
INSERT INTO scores (signal_id, fit_id, output, item_id, value, status, unseen)
SELECT %s, %s, output, item_id, value, status, unseen FROM incoming_cells ON CONFLICT DO NOTHING
"""


def write_scores(
    session: Session,
    signal_id: int,
    fit_id: int | None,
    ids: Sequence[str],
    scores: Scores,
    *,
    unseen: bool = False,
) -> None:
    """Cells that are there already stay as they are: a score, once computed, is valid."""
    items = [uuid.UUID(name) for name in ids]
    with raw(session).cursor() as cursor:
        cursor.execute(INCOMING_CELLS)
        cursor.execute("TRUNCATE incoming_cells")
        with cursor.copy(COPY_CELLS) as copy:
            copy.set_types(["text", "uuid", "float8", "text", "bool"])
            for output, column in scores.columns.items():
                for item, (value, status) in zip(items, cells(column), strict=True):
                    copy.write_row((output, item, value, status, unseen))
        cursor.execute(INSERT_CELLS, (signal_id, fit_id))


def cells(column: Any) -> list[tuple[float | None, str]]:
    """(value, "ok") or (None, why): a value that is not finite is never stored as one."""
    values: list[float] = np.asarray(column.values, np.float64).tolist()
    statuses: list[str] = column.status.tolist()
    finite: list[bool] = np.isfinite(column.values).tolist()
    return [
        (value, OK)
        if status == OK and is_finite
        else (None, "not_computable" if status == OK else status)
        for value, status, is_finite in zip(values, statuses, finite, strict=True)
    ]


INCOMING_VECTORS = """
CREATE TEMP TABLE IF NOT EXISTS incoming_vectors
    (text_id uuid, vector halfvec, truncated bool) ON COMMIT DELETE ROWS
"""
COPY_VECTORS = "COPY incoming_vectors FROM STDIN (FORMAT binary)"
INSERT_VECTORS = """
INSERT INTO embeddings (model_id, text_id, vector, truncated)
SELECT %s, text_id, vector, truncated FROM incoming_vectors ON CONFLICT DO NOTHING
"""


def write_vectors(
    session: Session,
    model_id: int,
    text_ids: Sequence[str],
    vectors: Floats,
    truncated: Sequence[bool],
) -> None:
    with raw(session).cursor() as cursor:
        cursor.execute(INCOMING_VECTORS)
        cursor.execute("TRUNCATE incoming_vectors")
        with cursor.copy(COPY_VECTORS) as copy:
            copy.set_types(["uuid", "bytea", "bool"])
            for name, vector, cut in zip(text_ids, halfvecs(vectors), truncated, strict=True):
                copy.write_row((uuid.UUID(name), vector, cut))
        cursor.execute(INSERT_VECTORS, (model_id,))


def write_embedded_prompts(session: Session, dataset_id: uuid.UUID, model_id: int) -> None:
    """The text of each prompt that has a pair and that the model has embedded."""
    named = exists().where(
        EmbeddedPrompt.dataset_id == dataset_id,
        EmbeddedPrompt.model_id == model_id,
        EmbeddedPrompt.prompt_id == Prompt.id,
    )
    new = (
        select(Prompt.id, Prompt.messages)
        .where(Prompt.dataset_id == dataset_id, ~named)
        .where(exists().where(Pair.dataset_id == dataset_id, Pair.prompt_id == Prompt.id))
    )
    rows = session.execute(new.execution_options(yield_per=STREAMED))
    for part in rows.partitions():
        texts = [{"p": prompt_id, "t": text_id("", render(said))} for prompt_id, said in part]
        columns = {name: [row[name] for row in texts] for name in "pt"}
        values = {**columns, "dataset": dataset_id, "model": model_id}
        session.execute(EMBEDDED_PROMPTS, values)


EMBEDDED_PROMPTS = text("""
INSERT INTO embedded_prompts (dataset_id, model_id, prompt_id, text_id)
SELECT :dataset, :model, prompt_id, text_id
FROM unnest(CAST(:p AS uuid[]), CAST(:t AS uuid[])) said(prompt_id, text_id)
WHERE EXISTS (SELECT FROM embeddings e WHERE e.model_id = :model AND e.text_id = said.text_id)
ON CONFLICT DO NOTHING
""")


def halfvecs(vectors: Floats) -> list[bytes]:
    """Each row in halfvec's binary form: length, a spare field, big-endian halves."""
    n, dimension = vectors.shape
    table: NDArray[np.void] = np.zeros(n, [("head", ">i2", 2), ("vector", ">f2", dimension)])
    table["head"][:, 0] = dimension
    table["vector"] = vectors
    return [row.tobytes() for row in table]
