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
# Of each group the first ones by id, and the one that represents it.
SHOWN = text("""
SELECT number, CAST(item_id AS text) AS pair_id, place, lead = 1 AS leads FROM (
    SELECT g.value AS number, g.item_id,
        row_number() OVER (PARTITION BY g.value ORDER BY g.item_id) AS place,
        row_number() OVER (PARTITION BY g.value ORDER BY f.value DESC, g.item_id) AS lead
    FROM scores g JOIN scores f ON f.signal_id = g.signal_id AND f.fit_id = g.fit_id
         AND f.item_id = g.item_id AND f.output = 'first'
    WHERE g.signal_id = :signal AND g.fit_id = :fit AND g.output = 'group'
      AND g.value = ANY(CAST(:numbers AS float8[]))
) member
WHERE place <= :most OR lead = 1 ORDER BY number, place
""")
MEMBERS = text("""
SELECT CAST(g.item_id AS text) AS pair_id, CAST(p.prompt_id AS text) AS prompt_id
FROM scores g JOIN pairs p ON p.dataset_id = :dataset AND p.id = g.item_id
WHERE g.signal_id = :signal AND g.fit_id = :fit AND g.output = 'group' AND g.value = :number
  AND g.item_id > :after
ORDER BY g.item_id LIMIT :most
""")
CELLS = text("""
SELECT CAST(item_id AS text) AS pair_id, output, value FROM scores
WHERE signal_id = :signal AND fit_id = :fit AND item_id = ANY(CAST(:ids AS uuid[]))
""")
NOWHERE = str(uuid.UUID(int=0))  # before all ids


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
    asked = {**keys(found), "numbers": [row["number"] for row in listed], "most": MOST_MEMBERS}
    places = session.execute(SHOWN, asked).all()
    cells = cells_of(session, found, [place.pair_id for place in places])
    few = [place for place in places if place.place <= MOST_MEMBERS]
    texts = texts_of(session, dataset_id, [place.pair_id for place in few])
    leads = {place.number: cells[place.pair_id] for place in places if place.leads}
    shown: dict[float, list[dict[str, Any]]] = defaultdict(list)
    for place in few:
        shown[place.number].append(cells[place.pair_id] | texts[place.pair_id])
    return [group_of(row, leads[row["number"]], shown[row["number"]]) for row in listed]


def group_of(row: RowMapping, lead: dict[str, Any], shown: list[dict[str, Any]]) -> Group:
    return Group(
        int(row["number"]), int(row["size"]), row["pairs"], lead["votes"], lead["agreement"],
        lead["soft_label"], shown,
    )  # fmt: skip


class Member(NamedTuple):
    pair_id: str
    prompt_id: str


def members(
    session: Session,
    dataset_id: uuid.UUID,
    found: Computed,
    number: int,
    limit: int | None = None,
    after: str | None = None,
) -> list[Member]:
    """Of a group, by id; none where there is no such group."""
    if found.fit is None:
        return []
    asked = {
        **keys(found), "dataset": dataset_id, "number": number, "after": after or NOWHERE,
        "most": limit,
    }  # fmt: skip
    return [Member(*row) for row in session.execute(MEMBERS, asked)]


def described(
    session: Session, dataset_id: uuid.UUID, found: Computed, wanted: Sequence[Member]
) -> list[dict[str, Any]]:
    """The members with their cells and texts."""
    ids = [each.pair_id for each in wanted]
    cells, texts = cells_of(session, found, ids), texts_of(session, dataset_id, ids)
    return [cells[id] | texts[id] for id in ids]


def cells_of(session: Session, found: Computed, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By the pair's id."""
    cells: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in session.execute(CELLS, {**keys(found), "ids": list(ids)}):
        cells[row.pair_id][row.output] = row.value
    return {
        id: {
            "pair_id": id,
            "first": each["first"] == 1,
            "turned": each["turned"] == 1,
            "votes": each["votes"],
            "agreement": each["agreement"],
            "soft_label": each["soft_label"],
        }
        for id, each in cells.items()
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
