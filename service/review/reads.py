"""Pairs read with other labels than their own: pages, and the blocks that streams send."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.review.labels import Labels, PairLabel
from service.tables.pairs import Pair
from service.viewer.blocks import Page, Said, Source
from service.viewer.fields import Field

KEYS = (Pair.position, Pair.upload_id, Pair.line, Pair.prompt_id, Pair.chosen_id, Pair.rejected_id)
COLUMNS = (
    Field("label", "string", "pair.says", "what the label says: chosen, or tie"),
    Field("p_chosen", "float64", "pair.soft_label", "P(chosen is better), by whose label it is"),
)


def with_columns(source: Source) -> Source:
    """With what the labels say beside the rows."""
    return source._replace(fields=(*source.fields, *COLUMNS))


def relabelling(
    dataset_id: uuid.UUID, labels: Labels
) -> Callable[[Session, Page], tuple[Page, Page]]:
    return partial(relabelled, dataset_id, labels)


def relabelled(
    dataset_id: uuid.UUID, labels: Labels, session: Session, page: Page
) -> tuple[Page, Page]:
    """All pairs of the page, listed; and those that are not left out, with their labels."""
    listed = page.positions
    if listed is None:
        near = select(Pair.position).where(Pair.dataset_id == dataset_id)
        near = near.where(Pair.position > page.after, Pair.position <= page.until)
        listed = session.scalars(near.order_by(Pair.position).limit(page.limit)).all()
    found, said = labels_at(session, dataset_id, listed, labels)
    return page._replace(positions=listed), shown(page._replace(positions=found), said)


def labels_at(
    session: Session, dataset_id: uuid.UUID, positions: Sequence[int], labels: Labels
) -> tuple[list[int], list[PairLabel]]:
    """Those of the positions that are there still, and what the labels say of each."""
    rows = session.execute(
        select(*KEYS).where(Pair.dataset_id == dataset_id, Pair.position.in_(positions))
    )
    said = {row[0]: labels.of(row[1], row[2], row[3], row[4], row[5]) for row in rows}
    found = [each for each in positions if each in said]
    return found, [said[each] for each in found]


def shown(page: Page, labels: Sequence[PairLabel]) -> Page:
    places = [(at, each) for at, each in enumerate(labels) if not each.left_out]
    positions: Any = page.positions
    said = Said(
        [each.flipped for _, each in places],
        [each.says for _, each in places],
        [each.p_chosen for _, each in places],
    )
    return page._replace(positions=[positions[at] for at, _ in places], said=said)
