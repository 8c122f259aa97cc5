"""What is known of pairs besides their texts, for the signals that read it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, String, Uuid, any_, cast, func, select
from sqlalchemy.orm import Session

from curation.grouping.duplicates import Unit
from curation.grouping.membership import APART
from curation.items import Floats, Pairs
from curation.pairing.facts import FACTS
from curation.signals import Signal
from service.columns import STREAMED
from service.labels.judgments import TooMany, prompts
from service.tables.duplicates import UndoneGroup
from service.tables.pairs import Pair

UNDONE = {name: unit for unit, name in APART.items()}
OF_PAIR = {
    "votes": Pair.votes,
    "agreement": Pair.agreement,
    "margin": Pair.margin,
    "soft_label": Pair.soft_label,
    "curriculum_stage": Pair.curriculum_stage,
}


def facts_of(signals: Iterable[Signal]) -> tuple[str, ...]:
    """The facts that any of the signals reads."""
    return tuple(dict.fromkeys(name for signal in signals for name in signal.facts))


def with_facts(
    session: Session, dataset_id: uuid.UUID, pairs: Pairs, names: Sequence[str]
) -> Pairs:
    """The same pairs with these facts. KeyError: a fact that nobody knows how to find."""
    return replace(pairs, facts=load_facts(session, dataset_id, pairs.ids, names))


def load_facts(
    session: Session, dataset_id: uuid.UUID, ids: Sequence[str], names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Each fact of the pairs with these ids, in their order, NaN where it is unknown."""
    if not names:
        return {}
    kept_apart = of_undone(session, dataset_id, ids, [name for name in names if name in UNDONE])
    names = [name for name in names if name not in UNDONE]
    columns = [OF_PAIR[name] for name in names if name in OF_PAIR]
    rows = {row[0]: row for row in pair_rows(session, dataset_id, columns)}
    found: dict[str, NDArray[np.float64]] = {**kept_apart}
    for place, name in enumerate((name for name in names if name in OF_PAIR), start=4):
        found[name] = np.array([rows[id][place] for id in ids], np.float64)
    said = [name for name in names if name not in OF_PAIR]
    return found | (of_labels(session, dataset_id, ids, rows, said) if said else {})


def of_undone(
    session: Session, dataset_id: uuid.UUID, ids: Sequence[str], names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """1 of the members of undone groups, else 0; only the facts that have any: a fit of a dataset
    where nothing was undone is made from what it always was."""
    found: dict[str, NDArray[np.float64]] = {}
    for name in names:
        members = kept_apart(session, dataset_id, UNDONE[name])
        if members and UNDONE[name] == Unit.prompt:
            own = select(cast(Pair.id, String)).where(Pair.dataset_id == dataset_id)
            of = Pair.prompt_id == any_(cast([*members], ARRAY(Uuid)))  # one parameter: many names
            members = {*session.scalars(own.where(of))}
        if members:
            found[name] = np.array([id in members for id in ids], np.float64)
    return found


def kept_apart(session: Session, dataset_id: uuid.UUID, unit: Unit) -> set[str]:
    """Ids of pairs, or of prompts where they are the unit, of all groups that are undone now."""
    members = select(func.jsonb_array_elements_text(UndoneGroup.members)).where(
        UndoneGroup.dataset_id == dataset_id,
        UndoneGroup.unit == unit.value,
        UndoneGroup.redone_at.is_(None),
    )
    return {*session.scalars(members)}


def pair_rows(session: Session, dataset_id: uuid.UUID, columns: Sequence[Any]) -> Iterable[Any]:
    """(pair, prompt, chosen, rejected, *columns), ids as text."""
    names = (Pair.id, Pair.prompt_id, Pair.chosen_id, Pair.rejected_id)
    query = select(*(cast(name, String) for name in names), *columns)
    query = query.where(Pair.dataset_id == dataset_id)
    return session.execute(query.execution_options(yield_per=STREAMED))


def of_labels(
    session: Session,
    dataset_id: uuid.UUID,
    ids: Sequence[str],
    rows: dict[str, Any],
    names: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Read from all labels of each prompt; a prompt with too many of them says nothing."""
    asked: dict[str, list[int]] = defaultdict(list)
    for at, id in enumerate(ids):
        asked[rows[id][1]].append(at)
    found = {name: np.full(len(ids), np.nan) for name in names}
    for prompt in prompts(session, dataset_id):
        if isinstance(prompt, TooMany):
            continue
        for at in asked.get(prompt.judged.prompt_id, ()):
            _, _, chosen, rejected, *_ = rows[ids[at]]
            for name in names:
                found[name][at] = FACTS[name](prompt.judged, chosen, rejected)
    return found


def stamped(ids: Sequence[str], facts: Mapping[str, Floats]) -> list[str]:
    """The ids, each with its facts: what a fit that read them was made from."""
    if not facts:
        return list(ids)
    table = zip(*(facts[name].tolist() for name in sorted(facts)), strict=True)
    return [f"{id} {values}" for id, values in zip(ids, table, strict=True)]
