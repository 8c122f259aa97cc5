"""A selected subset, written straight into the tables: every second pair is kept."""

import uuid

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.signals import Column, Fit, Scores, parse_signal
from service.cells import items_sha256, signal_row, store_fit, write_scores
from service.selection import FitUse, SignalUse, SubsetManifest
from service.tables.datasets import Dataset, Reject, Upload
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem

MARGIN = parse_signal({"kind": "reward_margin"})
OUTPUTS = ("margin_mean", "p_correct")


def add_subset(session: Session, dataset: Dataset) -> Subset:
    pairs = session.scalars(
        select(Pair).where(Pair.dataset_id == dataset.id).order_by(Pair.position)
    ).all()
    use = add_margins(session, dataset, [str(pair.id) for pair in pairs])
    kept = pairs[::2]
    manifest = SubsetManifest(
        signals=(use,),
        reasons={"selected": len(kept), "over_budget": len(pairs) - len(kept)},
        prompts=len({pair.prompt_id for pair in pairs}),
        prompts_kept=len({pair.prompt_id for pair in kept}),
    )
    subset = Subset(
        id=uuid.uuid4(), dataset_id=dataset.id, budget="50%", seed=3, recipe_sha256="c" * 64,
        recipe={"id": "half", "version": 1, "title": "Every second pair", "paper": None},
        state="ready", size=len(kept), pool=len(pairs), manifest=manifest.model_dump(mode="json"),
    )  # fmt: skip
    session.add(subset)
    session.flush()
    session.add_all(
        SubsetItem(
            subset_id=subset.id, pair_id=pair.id, position=pair.position,
            rank=None if i % 2 else i // 2 + 1, importance=1 / (i + 1),
            reason="over_budget" if i % 2 else "selected",
        )
        for i, pair in enumerate(pairs)
    )  # fmt: skip
    session.flush()
    return subset


def add_margins(session: Session, dataset: Dataset, ids: list[str]) -> SignalUse:
    row = signal_row(session, dataset.id, MARGIN)
    fit = store_fit(session, row.id, ids, Fit({}, {"oof_accuracy": 0.6}))
    values = np.linspace(-1, 1, len(ids))
    columns = {name: Column.of(values if name == "margin_mean" else values / 2) for name in OUTPUTS}
    write_scores(session, row.id, fit.id, ids, Scores(columns))
    return SignalUse(
        name="margin", kind="reward_margin", version=1, identity=MARGIN.identity(), level="pair",
        spec=MARGIN.model_dump(mode="json"), columns={name: name for name in OUTPUTS},
        fit=FitUse(items_sha256=items_sha256(ids), items=len(ids), metrics=fit.metrics),
    )  # fmt: skip


def add_reject(session: Session, dataset: Dataset) -> None:
    upload = session.scalars(select(Upload).where(Upload.dataset_id == dataset.id)).one()
    upload.rows_in, upload.accepted, upload.rejected, upload.pairs = 5, 4, 1, 4
    session.add(
        Reject(
            upload_id=upload.id, line=4, code="not_json", field=None, message="no JSON",
            raw=b'{"a": \xff\xfe',
        )
    )  # fmt: skip
    session.flush()
