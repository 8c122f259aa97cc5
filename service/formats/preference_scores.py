"""HelpSteer's scores of two responses: -3 the first is much better, 3 the second."""

from typing import Any

from service.formats.fields import integer
from service.formats.record import Annotator, Comparison, RowError
from service.tables.labels import Outcome

MOST = 3
# What was put together from single judgments is no further vote: an aspect of its own keeps it out
# of a majority of overall judgments, and a policy can still ask for it.
OVERALL = Annotator("overall_preference", "rule")
OVERALL_ASPECT = "overall"


def scored(value: Any, sides: tuple[str, str], field: str, **by: Any) -> Comparison:
    """A judgment of the sides from its score, -3..3; 0 is a tie."""
    score = integer(value, field)
    if abs(score) > MOST:
        raise RowError("out_of_range", f"{field} is between -{MOST} and {MOST}", field)
    outcome = Outcome.tie if score == 0 else Outcome.a if score < 0 else Outcome.b
    strength = None if score == 0 else float(abs(score))
    return Comparison(**by, a=sides[0], b=sides[1], outcome=outcome, strength=strength)


def score_of(label: Comparison, first: str) -> int:
    """The reverse of `scored`; `first` is the response that a negative score prefers."""
    strength = 0.0 if label.outcome is Outcome.tie else label.strength
    decided = label.outcome in (Outcome.a, Outcome.b)
    if strength is None or not strength.is_integer() or (not decided and strength):
        raise RowError("not_expressible", "this layout gives each judgment a whole strength")
    better = label.a if label.outcome is Outcome.a else label.b
    return int(-strength if better == first else strength)


def overall(value: Any, sides: tuple[str, str], field: str, why: str | None) -> Comparison:
    by = {"annotator": OVERALL, "aspect": OVERALL_ASPECT, "rationale": why}
    return scored(value, sides, field, **by)


def is_overall(label: Comparison) -> bool:
    return (label.annotator, label.aspect) == (OVERALL, OVERALL_ASPECT)
