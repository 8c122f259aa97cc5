"""Scores for a dataset's pairs and prompts, as a score job would leave them."""

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.signals.style import Style
from service.cells import signal_row
from service.tables.datasets import Dataset
from service.tables.pairs import Pair
from service.tables.scores import Score

OUTPUTS = [output.name for output in Style.outputs]


def add_style(session: Session, dataset: Dataset, seed: int = 0) -> dict[str, list[float | None]]:
    """Values of `length_log_ratio` and `words_delta` by position; every fifth is missing."""
    row = signal_row(session, dataset.id, Style())
    pairs = session.scalars(
        select(Pair).where(Pair.dataset_id == dataset.id).order_by(Pair.position)
    ).all()
    random = np.random.default_rng(seed)
    given: dict[str, list[float | None]] = {}
    for output in OUTPUTS[:2]:
        values = random.normal(size=len(pairs)).round(6).tolist()
        given[output] = [None if i % 5 == 4 else value for i, value in enumerate(values)]
        session.add_all(
            Score(
                signal_id=row.id, output=output, item_id=pair.id, value=value,
                status="ok" if value is not None else "not_computable",
            )
            for pair, value in zip(pairs, given[output], strict=True)
        )  # fmt: skip
    session.commit()
    return given
