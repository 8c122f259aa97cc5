"""The parts of report.json beside the verdict: annotators in parts, protocols, ratings."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from curation.audit.details import Details
from curation.audit.ratings import AspectRatings
from curation.audit.strata import Stratum
from service.audit.given import Rated

CONTESTED = 10  # things of an aspect that are shown


def detailed(found: Details, rated: Sequence[Rated]) -> dict[str, Any]:
    minds = asdict(found.minds)
    del minds["of"]
    return {
        "by_topic": {"why": found.topics_why, "annotators": strata(found.topics)},
        "by_aspect": strata(found.aspects),
        "like_minds": minds,
        "calibration": [
            {**asdict(each), "table": [row._asdict() for row in each.table]}
            for each in found.calibration
        ],
        "ratings_against_comparisons": [asdict(each) for each in found.protocols],
        "both_orders": [asdict(each) for each in found.swapped],
        "principles": asdict(found.principles),
        "candidates": asdict(found.candidates),
        "policy": asdict(found.policy),
        "longer": None if found.longer is None else asdict(found.longer),
        "ratings": [rating(each, rated) for each in found.ratings],
    }


def strata(found: Sequence[Stratum]) -> list[dict[str, Any]]:
    return [asdict(each) for each in found]


def rating(found: AspectRatings, rated: Sequence[Rated]) -> dict[str, Any]:
    """The numbers of an aspect, and the things that its raters agree on least."""
    things = list(dict.fromkeys(each.thing for each in rated))
    contested = [row for row in found.order.tolist() if found.low[row] < found.high[row]]
    return {
        "aspect": found.aspect or None,
        "things": len(found.things),
        "ratings": found.ratings,
        "rated_by_several": int((found.counts >= 2).sum()),
        "alpha_interval": found.alpha_interval,
        "alpha_ordinal": found.alpha_ordinal,
        "fleiss": found.fleiss,
        "fleiss_equal": found.fleiss_equal,
        "unanimous": found.unanimous,
        "apart": found.apart,
        "raters": [asdict(each) for each in found.raters],
        "contested": [
            contest(found, row, things[int(found.things[row])]) for row in contested[:CONTESTED]
        ],
    }


def contest(found: AspectRatings, row: int, thing: tuple[str, ...]) -> dict[str, Any]:
    whose, said, turn = thing
    return {
        "of": whose,
        "response": said or None,
        "turn": int(turn) if turn else None,
        "ratings": int(found.counts[row]),
        "low": found.low[row],
        "high": found.high[row],
        "standard_error": float(np.sqrt(found.doubts[row])),
    }
