"""A dataset at one moment: how many pairs, where each row lies, which scores are the newest."""

import uuid
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from curation.signals import SIGNALS, Level
from service.cells import newest_fit
from service.errors import Gone
from service.tables.pairs import Pair
from service.tables.scores import SignalRow
from service.tables.viewer import OWN_COLUMNS, Snapshot, score_column
from service.viewer.fields import FIELDS, Field, score_field

ANCHOR_ROWS = 1000
KEPT = 2  # newest snapshots of a dataset that stay in any case
REST = "10 minutes"  # that an older one stays after its last reader: a stream, a page by its scores
MOST = 8  # snapshots of a dataset, the rows of all its scores in each
TOUCHED = "1 minute"  # how exact `used_at` is
MANY = 10_000  # rows of scores; without new statistics, plans go by what there was before

# Everything that pairs and scores come from and go with; jobs that only read do not count.
VERSION = text("""
SELECT md5(concat_ws(';',
    (SELECT string_agg(concat_ws(',', id, state, pairs), ';' ORDER BY id)
     FROM uploads WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id) FROM jobs
     WHERE dataset_id = :dataset
       AND kind NOT IN ('export', 'evaluate', 'audit', 'index_words', 'what_if', 'advise')
       AND state IN ('succeeded', 'failed', 'cancelled')),
    (SELECT string_agg(concat_ws(',', signals.id, fits.id), ';' ORDER BY signals.id, fits.id)
     FROM signals LEFT JOIN fits ON fits.signal_id = signals.id WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id)
     FROM erasures WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id)
     FROM pair_builds WHERE dataset_id = :dataset),
    (SELECT min(position) FROM pairs WHERE dataset_id = :dataset),
    (SELECT max(position) FROM pairs WHERE dataset_id = :dataset)
))
""")
ANCHORS = text("""
SELECT count(*),
    coalesce(json_agg(position ORDER BY position) FILTER (WHERE row % :every = 0), '[]')
FROM (
    SELECT position, row_number() OVER (ORDER BY position) - 1 AS row
    FROM pairs WHERE dataset_id = :dataset
) numbered
""")


def snapshot_of(session: Session, dataset_id: uuid.UUID) -> Snapshot:
    """The snapshot of the dataset as it is now, made where there is none; it stays until the
    transaction ends."""
    version = session.scalar(VERSION, {"dataset": dataset_id})
    wanted = (Snapshot.dataset_id == dataset_id, Snapshot.version == version)
    while (found := held(session, *wanted)) is None:
        rows, anchors = session.execute(
            ANCHORS, {"dataset": dataset_id, "every": ANCHOR_ROWS}
        ).one()
        values = {
            "dataset_id": dataset_id, "version": version, "rows": rows, "anchors": anchors,
            "scores": newest_scores(session, dataset_id),
        }  # fmt: skip
        session.execute(insert(Snapshot).values(values).on_conflict_do_nothing())
        forget(session, dataset_id)
    return found


def earlier_snapshot(session: Session, dataset_id: uuid.UUID, snapshot_id: int) -> Snapshot:
    """The snapshot that somebody began to read; it stays until the transaction ends.

    Raises Gone once it was forgotten.
    """
    found = held(session, Snapshot.dataset_id == dataset_id, Snapshot.id == snapshot_id)
    if found is None:
        detail = "the dataset has changed, and what it was is not kept any longer: begin again"
        raise Gone(detail, code="snapshot_gone")
    return found


def held(session: Session, *wanted: Any) -> Snapshot | None:
    """Locked against `forget`, not against other readers, and marked as read."""
    found = session.scalars(
        select(Snapshot).where(*wanted).with_for_update(read=True, key_share=True)
    ).first()
    if found is not None:
        session.execute(TOUCH, {"id": found.id})
    return found


# Skips a row that another reader marks just now: nobody waits to say that he reads.
TOUCH = text(f"""
UPDATE snapshots SET used_at = now() WHERE id = (
    SELECT id FROM snapshots WHERE id = :id AND used_at < now() - interval '{TOUCHED}'
    FOR NO KEY UPDATE SKIP LOCKED
)
""")
FORGET = text(f"""
DELETE FROM snapshots WHERE id IN (
    SELECT id FROM snapshots WHERE id IN (
        SELECT id FROM (
            SELECT id, used_at, row_number() OVER (ORDER BY id DESC) AS place
            FROM snapshots WHERE dataset_id = :dataset
        ) numbered
        WHERE place > :most OR (place > :kept AND used_at < now() - interval '{REST}')
    ) FOR UPDATE SKIP LOCKED
)
""")


def forget(session: Session, dataset_id: uuid.UUID) -> None:
    """Delete old snapshots that nobody reads; `service.sweeping` removes their files."""
    session.execute(FORGET, {"dataset": dataset_id, "most": MOST, "kept": KEPT})


def newest_scores(session: Session, dataset_id: uuid.UUID) -> list[dict[str, Any]]:
    """Each output of the newest signal of every kind, under its newest fit, by name."""
    rows = select(SignalRow).where(SignalRow.dataset_id == dataset_id).order_by(SignalRow.id)
    newest = {row.kind: row for row in session.scalars(rows)}
    found: list[dict[str, Any]] = []
    for kind, row in sorted(newest.items()):
        signal = SIGNALS.get(kind)
        if signal is None or signal.level == Level.text:
            continue
        fit = newest_fit(session, row.id)
        if signal.whole_dataset and fit is None:
            continue
        found += [
            {
                "name": f"{kind}.{output.name}", "signal_id": row.id, "output": output.name,
                "fit_id": fit.id if fit else None, "level": str(signal.level),
                "meaning": output.direction,
            }
            for output in signal.outputs
        ]  # fmt: skip
    return found


def fields_of(snapshot: Snapshot) -> Sequence[Field]:
    """The columns of a row: those that every dataset has, then its scores."""
    scores = (
        score_field(found["name"], place, found["meaning"])
        for place, found in enumerate(snapshot.scores, 1)
    )
    return (*FIELDS, *scores)


def with_scores(session: Session, snapshot: Snapshot) -> Snapshot:
    """The snapshot once `pair_scores` holds its scores; written by the first who needs them."""
    if snapshot.scored or not snapshot.scores:
        return snapshot
    session.refresh(snapshot, with_for_update={"key_share": True})  # readers may go on
    if not snapshot.scored:
        session.execute(text("SET LOCAL work_mem = '64MB'"))
        session.execute(text(fill_scores(snapshot.scores)), score_values(snapshot))
        if snapshot.rows >= MANY:
            session.execute(text("ANALYZE pair_scores"))
        snapshot.scored = True
        session.flush()
    return snapshot


def fill_scores(scores: Sequence[Any]) -> str:
    """INSERT … SELECT with a hash join a score.

    Not `fit_id IS NOT DISTINCT FROM :fit`: that uses no index, and the planner, which takes it to
    hold for one row, nests loops over all cells.
    """
    places = range(len(scores))
    joins = "\n".join(
        f"LEFT JOIN scores s{i} ON s{i}.signal_id = :signal_{i} AND s{i}.output = :output_{i}"
        f" AND s{i}.fit_id {'IS NULL' if scores[i]['fit_id'] is None else f'= :fit_{i}'}"
        f" AND s{i}.item_id = pairs.{'prompt_id' if scores[i]['level'] == 'prompt' else 'id'}"
        for i in places
    )
    values = [f"s{i}.value" for i in places]
    columns = [score_column(place) for place in range(1, len(scores) + 1)][:OWN_COLUMNS]
    if len(values) > OWN_COLUMNS:
        columns.append("more")
        values[OWN_COLUMNS:] = [f"ARRAY[{', '.join(values[OWN_COLUMNS:])}]"]
    return f"""INSERT INTO pair_scores (snapshot_id, position, {", ".join(columns)})
SELECT :snapshot, pairs.position, {", ".join(values)} FROM pairs {joins}
WHERE pairs.dataset_id = :dataset ORDER BY pairs.position"""


def score_values(snapshot: Snapshot) -> dict[str, Any]:
    values: dict[str, Any] = {"snapshot": snapshot.id, "dataset": snapshot.dataset_id}
    for i, found in enumerate(snapshot.scores):
        values |= {
            f"signal_{i}": found["signal_id"],
            f"output_{i}": found["output"],
        }
        if found["fit_id"] is not None:
            values[f"fit_{i}"] = found["fit_id"]
    return values


def positions(session: Session, snapshot: Snapshot, offset: int, length: int) -> list[int]:
    """Positions of rows `offset` … `offset + length`: at most one anchor's rows are walked."""
    anchor = offset // ANCHOR_ROWS
    if anchor >= len(snapshot.anchors):
        return []
    found = select(Pair.position).where(
        Pair.dataset_id == snapshot.dataset_id, Pair.position >= snapshot.anchors[anchor]
    )
    page = found.order_by(Pair.position).offset(offset % ANCHOR_ROWS).limit(length)
    return list(session.scalars(page))


NUMBERS = text("""
SELECT (SELECT count(*) FROM pairs WHERE dataset_id = :dataset
        AND position >= wanted.anchor AND position < wanted.position)
FROM unnest(CAST(:positions AS bigint[]), CAST(:anchors AS bigint[]))
     WITH ORDINALITY AS wanted(position, anchor, place)
ORDER BY place
""")


def row_numbers(session: Session, snapshot: Snapshot, wanted: Sequence[int]) -> list[int]:
    """The row number of each position."""
    anchors = [bisect_right(snapshot.anchors, position) - 1 for position in wanted]
    counted = session.scalars(
        NUMBERS,
        {
            "dataset": snapshot.dataset_id,
            "positions": list(wanted),
            "anchors": [snapshot.anchors[max(anchor, 0)] for anchor in anchors],
        },
    )
    return [
        max(anchor, 0) * ANCHOR_ROWS + count for anchor, count in zip(anchors, counted, strict=True)
    ]
