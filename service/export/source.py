"""Reads a subset out of the database in the order of selection, in constant memory."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Row as Record
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from curation.text import content_text
from service.errors import Gone
from service.export import pair_labels, recipe_columns, shards
from service.export.shards import ROWS_PER_GROUP, Row
from service.media import is_medium
from service.selection import SignalUse, SubsetManifest
from service.tables.datasets import Dataset, Reject, Upload, UploadState
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair
from service.tables.scores import FitRow, Score, SignalRow
from service.tables.subsets import Subset, SubsetItem

SOURCE_DIGITS = 16
TextQuery: TypeAlias = Select[SubsetItem, Pair, list[Any], Response, Response, bytes]
TextRow: TypeAlias = Record[SubsetItem, Pair, list[Any], Response, Response, bytes]
Chosen, Rejected = aliased(Response), aliased(Response)


class ScoreKey(NamedTuple):
    """Where the cells of a signal lie in this database: ids that never leave it."""

    signal_id: int
    fit_id: int | None
    use: SignalUse


def manifest_of(subset: Subset) -> SubsetManifest:
    return SubsetManifest.model_validate(subset.manifest or {})


def score_keys(session: Session, subset: Subset) -> list[ScoreKey]:
    """The generation of scores that the subset was selected with. Raises Gone where an erasure
    deleted it: the heads had learnt from what was erased."""
    keys: list[ScoreKey] = []
    for use in manifest_of(subset).signals:
        signal = select(SignalRow.id).where(
            SignalRow.dataset_id == subset.dataset_id, SignalRow.identity == use.identity
        )
        signal_id = session.scalars(signal).one()
        fit_id = None
        if use.fit:
            fit = select(FitRow.id).where(
                FitRow.signal_id == signal_id, FitRow.items_sha256 == use.fit.items_sha256
            )
            # Of two that learnt from the same items the cells of these are equal.
            fit_id = session.scalars(fit.order_by(FitRow.pool.nulls_first())).first()
            if fit_id is None:
                raise Gone(
                    f"the scores {use.name} of subset {subset.id} went with what was erased: "
                    "select again",
                    code="inputs_erased",
                )
        keys.append(ScoreKey(signal_id, fit_id, use))
    return keys


def texts(subset: Subset) -> TextQuery:
    """Items of the subset with their pairs and texts."""
    return (
        select(SubsetItem, Pair, Prompt.messages, Chosen, Rejected, Upload.sha256)
        .join(Pair, (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id))
        .join(Prompt, (Prompt.dataset_id == Pair.dataset_id) & (Prompt.id == Pair.prompt_id))
        .join(Chosen, (Chosen.dataset_id == Pair.dataset_id) & (Chosen.id == Pair.chosen_id))
        .join(
            Rejected, (Rejected.dataset_id == Pair.dataset_id) & (Rejected.id == Pair.rejected_id)
        )
        .join(Upload, Upload.id == Pair.upload_id)
        .where(SubsetItem.subset_id == subset.id)
    )


def rows(
    session: Session,
    subset: Subset,
    labels: list[str],
    relabel: Callable[[Pair, Row], Row | None] = lambda _, row: row,
) -> Iterator[Row]:
    """The kept pairs as rows of `shards.schema`, best first, with these columns of their labels.

    `relabel` gives a row as it leaves, or None where it stays out.
    """
    license = session.get_one(Dataset, subset.dataset_id).license
    keys, outputs = score_keys(session, subset), manifest_of(subset).outputs
    kept = texts(subset).where(SubsetItem.rank.is_not(None)).order_by(SubsetItem.rank)
    found = session.execute(kept.execution_options(yield_per=ROWS_PER_GROUP))
    for records in found.partitions():
        scores = cells(session, keys, [record[1] for record in records])
        for record in records:
            told: Row = {
                **row(record),
                "license": license,
                "recipe_id": subset.recipe["id"],
                "recipe_sha": subset.recipe_sha256,
                **pair_labels.values(record[1], labels),
                **images(record, labels),
                **scores[record[1].id],
            }
            told = recipe_columns.placed(told, outputs)
            if (kept_row := relabel(record[1], told)) is not None:
                yield kept_row


def row(record: TextRow) -> dict[str, Any]:
    _, pair, prompt, chosen, rejected, sha256 = record
    return {
        "prompt": conversation(prompt),
        "chosen": answer(chosen),
        "rejected": answer(rejected),
        "pair_id": str(pair.id),
        "prompt_id": str(pair.prompt_id),
        "source": source(sha256, pair.line),
        "weight": 1.0,
    }


def images(record: TextRow, names: Sequence[str]) -> dict[str, str | None]:
    """The URIs of answers that are images: their messages are empty."""
    sides = {name: side.uri for name, side in zip(shards.IMAGES, record[3:5], strict=True)}
    return {name: uri for name, uri in sides.items() if name in names}


def image_columns(session: Session, subset: Subset) -> list[str]:
    """The columns of URIs, where a kept pair is of images."""
    kept = texts(subset).where(SubsetItem.rank.is_not(None))
    found = session.execute(kept.where(is_medium(Chosen) | is_medium(Rejected)).limit(1)).first()
    return [*shards.IMAGES] if found else []


def source(sha256: bytes, line: int) -> str:
    """Names the line by content: the same file has the same name wherever it came from."""
    return f"{sha256.hex()[:SOURCE_DIGITS]}:{line}"


def conversation(messages: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {"role": message["role"], "content": content_text(message.get("content"))}
        for message in messages
    ]


def answer(response: Response) -> list[dict[str, str]]:
    if response.messages is not None:
        return conversation(response.messages)
    return [{"role": "assistant", "content": response.text or ""}]


def cells(
    session: Session, keys: Sequence[ScoreKey], pairs: Sequence[Pair]
) -> dict[uuid.UUID, dict[str, float | None]]:
    """Every score column of each pair; None where the cell is missing with a reason."""
    empty = {column: None for key in keys for column in key.use.columns.values()}
    found: dict[uuid.UUID, dict[str, float | None]] = {pair.id: dict(empty) for pair in pairs}
    for key in keys:
        per_prompt = key.use.level == "prompt"
        items = {pair.prompt_id if per_prompt else pair.id for pair in pairs}
        query = select(Score.item_id, Score.output, Score.value).where(
            Score.signal_id == key.signal_id,
            Score.fit_id.is_not_distinct_from(key.fit_id),
            Score.item_id.in_(items),
        )
        values = {(item, output): value for item, output, value in session.execute(query)}
        for pair in pairs:
            item = pair.prompt_id if per_prompt else pair.id
            for output, column in key.use.columns.items():
                found[pair.id][column] = values.get((item, output))
    return found


def kept_prompts(session: Session, subset: Subset) -> dict[str, int]:
    """How many kept pairs each prompt has."""
    query = (
        select(Pair.prompt_id, func.count())
        .join(SubsetItem, SubsetItem.pair_id == Pair.id)
        .where(Pair.dataset_id == subset.dataset_id, SubsetItem.subset_id == subset.id)
        .where(SubsetItem.rank.is_not(None))
        .group_by(Pair.prompt_id)
    )
    return {str(prompt_id): count for prompt_id, count in session.execute(query)}


def uploads(session: Session, dataset_id: uuid.UUID) -> list[Upload]:
    query = select(Upload).where(
        Upload.dataset_id == dataset_id, Upload.state == UploadState.ingested
    )
    return list(session.scalars(query.order_by(Upload.ordinal)))


def describe_upload(upload: Upload) -> dict[str, Any]:
    return {
        "sha256": upload.sha256.hex(),
        "bytes": upload.size,
        "layout": upload.layout,
        "mapping": upload.mapping,
        "mode": upload.mode,
        "on_nul": upload.on_nul,
        "decide": upload.decide,
        "rows_in": upload.rows_in,
        "accepted": upload.accepted,
        "rejected": upload.rejected,
        "pairs": upload.pairs,
    }


def rejects(session: Session, dataset_id: uuid.UUID) -> Iterator[dict[str, Any]]:
    """Rejected lines by upload and line; `raw` shows bytes that are no UTF-8 as `\\xNN`."""
    query = (
        select(Upload.sha256, Reject)
        .join(Upload, Upload.id == Reject.upload_id)
        .where(Upload.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .order_by(Upload.ordinal, Reject.line)
        .execution_options(yield_per=100)
    )
    for sha256, reject in session.execute(query):
        yield {
            "upload": sha256.hex(),
            "line": reject.line,
            "field": reject.field,
            "code": reject.code,
            "message": reject.message,
            "raw": reject.raw.decode("utf-8", "backslashreplace"),
        }


def reject_counts(session: Session, dataset_id: uuid.UUID) -> dict[str, int]:
    query = (
        select(Reject.code, func.count())
        .join(Upload, Upload.id == Reject.upload_id)
        .where(Upload.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .group_by(Reject.code)
    )
    found = {code: count for code, count in session.execute(query)}
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))
