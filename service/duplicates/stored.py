"""Groups of near-duplicates of a dataset, read from the cells of their signal."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from service.columns import load_pairs
from service.computed import Computed

MOST_MEMBERS = 20  # that a list of groups shows of each

GROUPS = text("""
SELECT g.value AS number, max(s.value) AS size, count(*) AS pairs
FROM scores g JOIN scores s ON s.signal_id = g.signal_id AND s.fit_id = g.fit_id
     AND s.item_id = g.item_id AND s.output = 'size'
WHERE g.signal_id = :signal AND g.fit_id = :fit AND g.output = 'group' AND s.value > 1
GROUP BY g.value
HAVING CAST(:size AS float8) IS NULL OR (-max(s.value), g.value) > (-CAST(:size AS float8), :number)
ORDER BY max(s.value) DESC, g.value LIMIT :most
""")
CELLS = text("""
SELECT m.value AS number, CAST(c.item_id AS text) AS pair_id, c.output, c.value
FROM scores m JOIN scores c ON c.signal_id = m.signal_id AND c.fit_id = m.fit_id
     AND c.item_id = m.item_id
WHERE m.signal_id = :signal AND m.fit_id = :fit AND m.output = 'group'
  AND m.value = ANY(CAST(:numbers AS float8[]))
ORDER BY m.value, c.item_id
""")


class Group(NamedTuple):
    """`size` counts the unit (distinct prompts, pairs …), `pairs` the pairs. The votes are those of
    all members, as its representative has them."""

    group: int
    size: int
    pairs: int
    votes: float | None
    agreement: float | None
    soft_label: float | None
    members: list[dict[str, Any]]

    @property
    def page_key(self) -> tuple[int, int]:
        return self.size, self.group


def groups(
    session: Session, dataset_id: uuid.UUID, found: Computed, limit: int, after: Any = None
) -> list[Group]:
    """Those of two and more, the largest first; of each, its first 20 members by id."""
    if found.fit is None:
        return []
    size, number = after or (None, 0)
    rows = session.execute(
        GROUPS, {**keys(found), "size": size, "number": number, "most": limit}
    ).mappings()
    listed = list(rows)
    members = members_of(session, found, [row["number"] for row in listed])
    shown = {each: named[:MOST_MEMBERS] for each, named in members.items()}
    texts = texts_of(session, dataset_id, [m["pair_id"] for each in shown.values() for m in each])
    return [group_of(row, members[row["number"]], shown[row["number"]], texts) for row in listed]


def group_of(
    row: RowMapping, members: Sequence[dict[str, Any]], shown: Sequence[dict[str, Any]],
    texts: dict[str, dict[str, Any]],
) -> Group:  # fmt: skip
    lead = next((each for each in members if each["first"]), members[0])
    return Group(
        int(row["number"]), int(row["size"]), row["pairs"], lead["votes"], lead["agreement"],
        lead["soft_label"], [each | texts[each["pair_id"]] for each in shown],
    )  # fmt: skip


def group(
    session: Session, dataset_id: uuid.UUID, found: Computed, number: int
) -> list[dict[str, Any]]:
    """All members; none where there is no such group."""
    if found.fit is None:
        return []
    members = members_of(session, found, [number]).get(number, [])
    texts = texts_of(session, dataset_id, [each["pair_id"] for each in members])
    return [each | texts[each["pair_id"]] for each in members]


def members_of(
    session: Session, found: Computed, numbers: Sequence[float]
) -> dict[float, list[dict[str, Any]]]:
    """By the group's number: pair_id, and its cells."""
    cells: dict[float, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in session.execute(CELLS, {**keys(found), "numbers": list(numbers)}):
        own = cells[row.number].setdefault(row.pair_id, {"pair_id": row.pair_id})
        own[row.output] = row.value
    return {
        number: [
            {
                "pair_id": each["pair_id"],
                "first": each["first"] == 1,
                "turned": each["turned"] == 1,
                "votes": each["votes"],
                "agreement": each["agreement"],
                "soft_label": each["soft_label"],
            }
            for each in members.values()
        ]
        for number, members in cells.items()
    }


def texts_of(
    session: Session, dataset_id: uuid.UUID, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    pairs = load_pairs(session, dataset_id, ids) if ids else None
    if pairs is None:
        return {}
    columns = (pairs.prompt_ids, pairs.prompts, pairs.chosen, pairs.rejected)
    names = ("prompt_id", "prompt", "chosen", "rejected")
    return {
        id: dict(zip(names, row, strict=True))
        for id, row in zip(pairs.ids, zip(*columns, strict=True), strict=True)
    }


def keys(found: Computed) -> dict[str, Any]:
    return {"signal": found.row.id, "fit": found.fit.id if found.fit else None}


JUDGMENTS = text("""
WITH said AS (
  SELECT g.value AS number, c.annotator_id, c.aspect, c.upload_id, c.line, c.ordinal,
    CASE WHEN c.outcome IN ('tie', 'both_bad') THEN 'tie'
         WHEN ((c.a = p.chosen_id) = (c.outcome = 'a')) = (t.value = 0) THEN 'a' ELSE 'b'
    END AS says
  FROM comparisons c
  JOIN pairs p ON p.dataset_id = c.dataset_id AND p.upload_id = c.upload_id AND p.line = c.line
    AND p.build_id IS NULL AND ((c.a, c.b) = (p.chosen_id, p.rejected_id)
                             OR (c.b, c.a) = (p.chosen_id, p.rejected_id))
  JOIN scores g ON g.item_id = p.id AND g.signal_id = :signal AND g.fit_id = :fit
    AND g.output = 'group'
  JOIN scores t ON t.item_id = p.id AND t.signal_id = :signal AND t.fit_id = :fit
    AND t.output = 'turned'
  WHERE c.dataset_id = :dataset AND c.annotator_id IS NOT NULL
)
SELECT number AS "group", n.name AS annotator, n.kind, aspect, count(*) AS judgments,
  count(*) - 1 AS surplus, count(DISTINCT says) = 1 AS consistent,
  (array_agg(DISTINCT says ORDER BY says)) AS says,
  (array_agg(json_build_object('upload_id', upload_id, 'line', line, 'says', says)
    ORDER BY upload_id, line, ordinal))[1:20] AS places,
  CAST(said.annotator_id AS text) || ' ' || coalesce(aspect, '') AS who
FROM said JOIN annotators n ON n.dataset_id = :dataset AND n.id = said.annotator_id
GROUP BY number, said.annotator_id, n.name, n.kind, aspect
HAVING count(*) > 1 AND (number, CAST(said.annotator_id AS text) || ' ' || coalesce(aspect, ''))
  > (:number, :who)
ORDER BY number, who LIMIT :most
""")


class Repeated(NamedTuple):
    """One annotator's judgments of what is one pair. `a` and `b` are the same for a whole group."""

    group: int
    annotator: str
    kind: str
    aspect: str | None
    judgments: int
    surplus: int
    consistent: bool
    says: list[str]
    places: list[dict[str, Any]]
    who: str

    @property
    def page_key(self) -> tuple[int, str]:
        return self.group, self.who


def repeated_judgments(
    session: Session, dataset_id: uuid.UUID, found: Computed, limit: int, after: Any = None
) -> list[Repeated]:
    """Comparisons of one annotator (and aspect) of pairs of one group: counted more than once."""
    if found.fit is None:
        return []
    number, who = after or (-1, "")
    asked = {**keys(found), "dataset": dataset_id, "number": number, "who": who, "most": limit}
    return [Repeated(**row) for row in session.execute(JUDGMENTS, asked).mappings()]
