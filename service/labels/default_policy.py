"""Which pair policy suits the labels of a dataset, where nobody named one."""

import uuid
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.pairing import POLICIES, PairPolicy
from service.errors import Invalid


class Choice(NamedTuple):
    """A policy and the reason for it, in plain words."""

    policy: PairPolicy
    why: str


# The kinds of label, the most direct first: (what it is called, the policy, how it is found).
WITHIN = "FROM {} l JOIN uploads u ON u.id = l.upload_id AND u.state = 'ingested' WHERE {}"
OWN = "u.dataset_id = :dataset"
WHOLE = f"{OWN} AND l.response_id IS NOT NULL AND l.turn IS NULL"
THUMB = "l.scale_low = 0 AND l.scale_high = 1"
KINDS = [
    ("comparisons", "majority", WITHIN.format("comparisons", OWN)),
    ("rankings", "top_vs_rest", WITHIN.format("rankings", OWN)),
    ("ratings", "best_vs_worst",
     WITHIN.format("ratings", f"{WHOLE} AND ({THUMB}) IS NOT TRUE")),
    ("thumbs", "up_vs_down", WITHIN.format("ratings", f"{WHOLE} AND {THUMB}")),
    ("imported scores", "best_by_score",
     WITHIN.format("records", OWN + " AND l.responses @? '$[*].scores.*'")),
]  # fmt: skip
GOLD = WITHIN.format("records", f"{OWN} AND l.gold ? 'better'")


def default_policy(session: Session, dataset_id: uuid.UUID) -> Choice:
    """Raises Invalid where there is no label that pairs can be built from."""
    for labels, name, query in KINDS:
        if there_is(session, query, dataset_id):
            policy = POLICIES[name]
            title = policy.title[0].lower() + policy.title[1:]
            why = f"the prompts have {labels}, so pairs are built by {name}: {title}"
            return Choice(policy, why)
    if there_is(session, GOLD, dataset_id):
        detail = (
            "the only labels are gold answers, which evaluate and do not vote;"
            " to train on them, name the policy: correct_vs_incorrect"
        )
        raise Invalid(detail, code="only_gold")
    raise Invalid("there is no label that pairs could be built from", code="no_labels")


def there_is(session: Session, query: str, dataset_id: uuid.UUID) -> bool:
    found = session.scalar(text(f"SELECT EXISTS (SELECT 1 {query})"), {"dataset": dataset_id})
    return bool(found)
