"""The aspects that a dataset's labels have, and a policy that names another."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.pairing import PairPolicy
from service.errors import Invalid

ASPECTS = """
SELECT l.aspect FROM {} l JOIN uploads u ON u.id = l.upload_id
WHERE u.dataset_id = :dataset AND u.state = 'ingested' AND l.aspect IS NOT NULL
"""
TABLES = ("comparisons", "ratings", "rankings")


def refuse_unknown_aspects(session: Session, dataset_id: uuid.UUID, policy: PairPolicy) -> None:
    """Raises Invalid `unknown_aspect` with those that there are: no label would be read."""
    named = sorted({*aspects_in(policy.model_dump(mode="json"))})
    if not named:
        return
    query = " UNION ".join(ASPECTS.format(table) for table in TABLES)
    known = sorted(session.scalars(text(query), {"dataset": dataset_id}))
    strange = [name for name in named if name not in known]
    if strange:
        there = f"they have: {', '.join(known)}" if known else "they have no aspects"
        detail = f"no label is about the aspect {strange[0]!r}; {there}"
        raise Invalid(detail, code="unknown_aspect", field="policy", known=known)


def aspects_in(policy: Mapping[str, Any]) -> Iterator[str]:
    """By the fields `aspect` and `aspects`, wherever a policy keeps them."""
    if policy.get("aspect") is not None:
        yield policy["aspect"]
    yield from policy.get("aspects") or ()
    for each in policy.values():
        if isinstance(each, dict):
            yield from aspects_in(each)  # pyright: ignore[reportUnknownArgumentType]
