"""Tells pairs of media from pairs of texts: an image's answer is a URI, and no text to score."""

import uuid
from collections.abc import Sequence

import numpy as np
from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.util import AliasedClass

from curation.items import Pairs
from curation.signals import Column, Level, Scores, Signal
from service.tables.items import Response
from service.tables.pairs import Pair

UNSUPPORTED = "unsupported"  # the status of a text signal's cell for a pair of images


def media_pairs(
    session: Session, dataset_id: uuid.UUID, ids: Sequence[str] | None = None
) -> frozenset[str]:
    """Ids of the dataset's pairs, or of these, one of whose answers is a medium without a text."""
    chosen, rejected = aliased(Response), aliased(Response)
    found = (
        select(cast(Pair.id, String))
        .join(chosen, (chosen.dataset_id == Pair.dataset_id) & (chosen.id == Pair.chosen_id))
        .join(
            rejected, (rejected.dataset_id == Pair.dataset_id) & (rejected.id == Pair.rejected_id)
        )
        .where(Pair.dataset_id == dataset_id)
        .where(is_medium(chosen) | is_medium(rejected))
    )
    if ids is not None:
        found = found.where(Pair.id.in_(map(uuid.UUID, ids)))
    return frozenset(session.scalars(found))


def is_medium(response: type[Response] | AliasedClass[Response]) -> ColumnElement[bool]:
    return response.uri.is_not(None) & response.text.is_(None) & response.messages.is_(None)


def unread_by(
    session: Session, dataset_id: uuid.UUID, signal: Signal, ids: Sequence[str] | None = None
) -> frozenset[str]:
    """The media among a signal's items. Prompts are texts: an image's is its caption."""
    pairs = signal.level == Level.pair and signal.reads_texts
    return media_pairs(session, dataset_id, ids) if pairs else frozenset()


def unsupported(signal: Signal, n: int) -> Scores:
    """A missing cell an output: better than the score of an empty text."""
    return Scores({each.name: Column.missing(n, UNSUPPORTED) for each in signal.outputs})


def texts_of(pairs: Pairs, media: frozenset[str]) -> Pairs:
    if media.isdisjoint(pairs.ids):
        return pairs
    return pairs.take(np.flatnonzero([id not in media for id in pairs.ids]))
