"""HelpSteer3's feedback (arXiv:2503.04378): each text begins with how helpful the response is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.formats.fields import decoded, text
from service.formats.record import Rating, RowError

LEVELS = ("not", "slightly", "partially", "mostly", "perfectly")
OPENING = re.compile(rf"\s*The response is ({'|'.join(LEVELS)}) helpful\b", re.IGNORECASE)
ASPECT, SCALE = "helpfulness", (0.0, len(LEVELS) - 1.0)


def said_in(row: Mapping[str, Any], field: str) -> list[str]:
    """The texts of a column, none where it is missing."""
    found = decoded(row.get(field))
    if found is not None and not isinstance(found, list):
        raise RowError("wrong_type", f"{field} must be a list of texts", field)
    return [text(each, f"{field}[{place}]") for place, each in enumerate(found or ())]


def ratings(said: Sequence[str], response: str) -> tuple[Rating, ...]:
    """A rating 0..4 with the whole text as its rationale, of each that says a level."""
    return tuple(
        Rating(None, ASPECT, each, float(level), response, None, SCALE)
        for each, level in zip(said, map(level_of, said), strict=True)
        if level is not None
    )


def unrated(said: Sequence[str]) -> dict[str, str]:
    """By their place, those that say none: kept, and no label."""
    return {str(place): each for place, each in enumerate(said) if level_of(each) is None}


def level_of(said: str) -> int | None:
    found = OPENING.match(said)
    return LEVELS.index(found.group(1).lower()) if found else None


def texts(given: Iterable[Rating], response: str, kept: Any) -> list[str]:
    """The reverse of both, in the first order."""
    rated = [each.rationale or "" for each in given if each.response == response]
    left = kept if isinstance(kept, dict) else {}
    for place in sorted(left, key=int_of):
        rated.insert(int_of(place), left[place])
    return rated


def int_of(place: str) -> int:
    if not place.isdecimal():
        raise RowError("not_expressible", "a text without a level has a place in its list")
    return int(place)
