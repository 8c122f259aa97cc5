"""Leaves with other labels than the raw ones: rows turned, softened or left out, and counted."""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.review.labels import Labels, PairLabel, labels_of, tally
from service.tables.audits import Audit
from service.tables.pairs import Pair
from service.tables.subsets import Export, Subset, SubsetItem
from service.trainers import LAYOUTS

COLUMNS = ("soft_label", "flipped")
SWAPPED = {"chosen": "rejected", "chosen_image": "rejected_image"}
OPTIONS = ("labels", "labels_version", "labels_audit", "labels_sha256")  # of an export's options


class Told(NamedTuple):
    """Pairs whose sides have changed places, and pairs that don't leave."""

    flipped: frozenset[uuid.UUID] = frozenset()
    left_out: frozenset[uuid.UUID] = frozenset()

    def arrays(self) -> dict[str, list[uuid.UUID]]:
        return {"flipped": [*self.flipped], "left_out": [*self.left_out]}


AS_GIVEN = Told()


class Relabelling:
    """Of the rows of one export; `described` says, once they are written, what was done."""

    def __init__(self, labels: Labels, weights: bool) -> None:
        self.labels, self.weights = labels, weights
        self.done: list[PairLabel] = []
        self.digest = hashlib.sha256()

    def row(self, pair: Pair, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """None where it is left out. A tie can't be said by who is chosen, so it is, too."""
        label = self.labels.of_pair(pair)
        self.done.append(label)
        self.digest.update(repr((str(pair.id), *label)).encode())
        if leaves_not(label):
            return None
        told = dict(row)
        if label.p_chosen is not None:
            told["soft_label"] = label.p_chosen
            if self.weights:
                told["weight"] = 2 * label.p_chosen - 1
        told["flipped"] = float(label.flipped)
        if label.flipped:
            for one, other in SWAPPED.items():
                if one in row:
                    told[one], told[other] = row[other], row[one]
            if "margin" in row:
                told["margin"] = None
        return told

    def told(self, session: Session, subset: Subset) -> Told:
        """Of the whole pool, before a row is written."""
        keys = (Pair.upload_id, Pair.line, Pair.prompt_id, Pair.chosen_id, Pair.rejected_id)
        query = select(Pair.id, *keys).where(
            Pair.dataset_id == subset.dataset_id,
            Pair.id.in_(select(SubsetItem.pair_id).where(SubsetItem.subset_id == subset.id)),
        )
        said = {row[0]: self.labels.of(*row[1:]) for row in session.execute(query).tuples()}
        gone = {id for id, label in said.items() if leaves_not(label)}
        turned = {id for id, label in said.items() if label.flipped} - gone
        return Told(frozenset(turned), frozenset(gone))

    def described(self) -> dict[str, Any]:
        """The same for the same labels, wherever they are: no ids but those of content."""
        return described(self.labels, self.done, ("drop", "both_bad", "tie"), self.digest)


def described(
    labels: Labels, done: Sequence[PairLabel], left_out: Sequence[str], digest: Any
) -> dict[str, Any]:
    audit, counts = labels.review.audit, tally(done)
    said = audit.summary or {}
    return {
        "of": labels.whose,
        "version": labels.review.version if labels.whose == "denoised" else None,
        "audit": {
            "pairs_sha256": pairs_sha256(audit),
            "method": said.get("method"),
            "anchors": said.get("anchors"),
        },
        "counts": counts,
        "left_out": sum(counts.get(name, 0) for name in left_out),
        "sha256": digest.hexdigest(),
    }


def leaves_not(label: PairLabel) -> bool:
    return label.left_out or label.says == "tie"


def pairs_sha256(audit: Audit) -> str:
    return (audit.files or {})["pairs.parquet"]["sha256"]


def labels_for(session: Session, subset: Subset, export: Export) -> Labels | None:
    """None for raw ones. Raises Conflict where the audit is gone by now."""
    options = export.options
    if "labels" not in options:
        return None
    audit_id = uuid.UUID(options["labels_audit"])
    return labels_of(
        session, subset.dataset_id, options["labels"], options["labels_version"], audit_id
    )


def of_export(session: Session, subset: Subset, export: Export) -> Relabelling | None:
    """None for raw labels. Raises as `labels_for` does."""
    found = labels_for(session, subset, export)
    if found is None:
        return None
    layout = LAYOUTS.get(export.layout)
    weights = layout is not None and layout.takes_weight and not layout.takes_soft_label
    return Relabelling(found, weights)


def with_columns(names: list[str]) -> list[str]:
    """The columns of a pair's label, and what a new label says beside."""
    return [*names, *(name for name in COLUMNS if name not in names)]


def relabelled(
    relabelling: Relabelling | None, pair: Pair, row: Mapping[str, Any], apart: Collection[str]
) -> Mapping[str, Any] | None:
    """The row as it leaves; rows of prompts that are `apart` leave for other reasons, uncounted."""
    if relabelling is None or row["prompt_id"] in apart:
        return row
    return relabelling.row(pair, row)
