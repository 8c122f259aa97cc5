"""Verified answers that a user names: JSON lines of {record_id, better, worse}, or such rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from curation.consensus.votes import Anchors
from service.audit.collect import Place


class BadAnchor(ValueError):
    """The message says where it stands, and what is wrong with it."""


class Anchor(NamedTuple):
    """`where` it was said, for messages; response ids are the input's own."""

    where: str
    record_id: str
    better: str
    worse: str


def matched(anchors: Iterable[Anchor], places: Sequence[Place]) -> Anchors:
    """Raises BadAnchor where one names no pair or contradicts an earlier one."""
    at: dict[tuple[str, str, str], list[tuple[int, bool]]] = {}
    for item, place in enumerate(places):
        at.setdefault((place.record_id, place.a, place.b), []).append((item, True))
        at.setdefault((place.record_id, place.b, place.a), []).append((item, False))
    found: dict[int, bool] = {}
    for where, record_id, better, worse in anchors:
        if (record_id, better, worse) not in at:
            raise BadAnchor(f"{where}: no pair {better}, {worse} of {record_id}")
        for item, a_better in at[record_id, better, worse]:
            if found.setdefault(item, a_better) != a_better:
                raise BadAnchor(f"{where}: contradicts an earlier one")
    return Anchors.of(sorted(found.items()))


def from_file(path: Path) -> Iterator[Anchor]:
    """Raises BadAnchor for a line that can't be read."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield read(line, f"{path}, line {number}")


def read(line: bytes, where: str) -> Anchor:
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadAnchor(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict) or not {"record_id", "better", "worse"} <= row.keys():
        raise BadAnchor(f"{where}: an anchor is {{record_id, better, worse}}")
    return of_row(row, where)


def of_row(row: Mapping[str, Any], where: str) -> Anchor:
    return Anchor(where, str(row["record_id"]), only(row["better"]), only(row["worse"]))


def only(value: Any) -> str:
    """One response id; the native layout's gold puts it into a list."""
    return str(value[0]) if isinstance(value, list) and len(value) == 1 else str(value)
