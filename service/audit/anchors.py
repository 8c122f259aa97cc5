"""Verified answers from a file: JSON lines of {record_id, better, worse}."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from curation.consensus.votes import Anchors
from service.audit.collect import Place


def from_file(path: Path, places: Sequence[Place]) -> Anchors:
    """ValueError names the line of an anchor that can't be read, or that names no pair."""
    at: dict[tuple[str, str, str], list[tuple[int, bool]]] = {}
    for item, place in enumerate(places):
        at.setdefault((place.record_id, place.a, place.b), []).append((item, True))
        at.setdefault((place.record_id, place.b, place.a), []).append((item, False))
    found: dict[int, bool] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            key = read(line, path, number)
            if key not in at:
                raise ValueError(f"{path}, line {number}: no pair {key[1]}, {key[2]} of {key[0]}")
            for item, a_better in at[key]:
                if found.setdefault(item, a_better) != a_better:
                    raise ValueError(f"{path}, line {number}: contradicts an earlier line")
    return Anchors.of(sorted(found.items()))


def read(line: bytes, path: Path, number: int) -> tuple[str, str, str]:
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}, line {number}: not JSON ({error})") from error
    if not isinstance(row, dict) or not {"record_id", "better", "worse"} <= row.keys():
        raise ValueError(f"{path}, line {number}: an anchor is {{record_id, better, worse}}")
    return str(row["record_id"]), only(row["better"]), only(row["worse"])


def only(value: Any) -> str:
    """One response id; the native layout's gold puts it into a list."""
    return str(value[0]) if isinstance(value, list) and len(value) == 1 else str(value)
