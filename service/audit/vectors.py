"""Vectors of an audit's texts: those that the workspace has already, the others embedded now."""

import uuid
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.audit.content import Progress, VectorsOf, embedded
from curation.items import Texts
from curation.signals.embedding import Embedding
from service.columns import raw, text_id
from service.tables.scores import EmbeddingModel

BATCH = 10_000  # vectors that are read together
FOUND = """
SELECT place, vector FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted(text_id, place)
JOIN embeddings USING (text_id) WHERE model_id = %s ORDER BY place
"""


def stored_first(
    session: Session, workspace_id: uuid.UUID, after: Callable[[], object] = lambda: None
) -> VectorsOf:
    """`after` is called when everything was read, before what is missing is embedded, which takes
    minutes and no transaction."""

    def vectors_of(texts: Texts, progress: Progress) -> NDArray[np.float16]:
        rows, vectors = stored(session, workspace_id, texts)
        after()
        missing = np.setdiff1d(np.arange(len(texts)), rows)
        if len(missing) == 0:
            return vectors
        before = len(rows) / len(texts)

        def told(share: float) -> object:
            return progress(before + (1 - before) * share)

        rest = embedded(picked(texts, missing.tolist()), told)
        found = np.zeros((len(texts), rest.shape[1]), np.float16)
        found[rows], found[missing] = vectors if len(rows) else 0, rest
        return found

    return vectors_of


def stored(
    session: Session, workspace_id: uuid.UUID, texts: Texts
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """Which texts have a vector of the model that audits use, ascending, and those vectors."""
    model_id = session.scalar(
        select(EmbeddingModel.id).where(
            EmbeddingModel.workspace_id == workspace_id,
            EmbeddingModel.identity == Embedding().identity(),
        )
    )
    rows, blocks = list[int](), list[NDArray[np.float16]]()
    if model_id is None:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float16)
    for start in range(0, len(texts), BATCH):
        part = slice(start, start + BATCH)
        said = zip(texts.prefixes[part], texts.bodies[part], strict=True)
        with raw(session).cursor(binary=True) as cursor:
            cursor.execute(FOUND, ([text_id(prefix, body) for prefix, body in said], model_id))
            found = cursor.fetchall()
        rows.extend(start + place - 1 for place, _ in found)
        if found:
            blocks.append(halves([vector for _, vector in found]))
    vectors = np.vstack(blocks) if blocks else np.zeros((0, 0), np.float16)
    return np.array(rows, np.int64), vectors


def halves(sent: Sequence[bytes]) -> NDArray[np.float16]:
    """halfvec's binary form: its length and a spare field, int16 each, then big-endian halves."""
    table = np.frombuffer(b"".join(sent), ">f2").reshape(len(sent), -1)
    return table[:, 2:].astype(np.float16)


def picked(texts: Texts, rows: Sequence[int]) -> Texts:
    columns = (texts.ids, texts.prefixes, texts.bodies)
    return Texts(*([column[row] for row in rows] for column in columns))
