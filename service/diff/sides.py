"""One of the two that are compared: an exported folder or a subset, as a stream of pairs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.errors import UnsupportedFile
from service.export import manifest
from service.export.replaying import rows_of

Row = Mapping[str, Any]
READABLE = (".parquet", ".jsonl")
TEXTS = ("chosen", "rejected")
CATEGORIES = ("split", "source", "license", "recipe_id")
CHECKS = ("tokenizer", "max_length", "resample", "leave_out")
PLAIN = {"layout": "huggingface"}  # as a subset's own rows are
LENGTHS = ("prompt_length", "chosen_length", "rejected_length", "length_difference")


class Side(NamedTuple):
    """`scores`: numeric columns. `says` names how its texts are written: only sides that say them
    alike can be compared by text; None where there are none. `gone`: pairs without content."""

    name: str
    scores: tuple[str, ...]
    says: str | None
    rows: Callable[[], Iterator[Row]]
    gone: int = 0


def of_folder(path: Path) -> Side:
    """An exported folder, with the layout of any trainer. Raises UnsupportedFile."""
    described = manifest.load(path)
    names: Sequence[str] = sorted(described["files"])
    data = [name for name in names if name.startswith("data/")]
    origins = [name for name in names if name.startswith("provenance/")]
    told = origins or data
    tables = [name for name in told if name.endswith(".parquet")]
    try:
        schemas = [pq.read_schema(path / name) for name in tables]
    except (OSError, pa.ArrowException) as error:
        raise UnsupportedFile(f"{path} can't be read: {str(error).splitlines()[0]}") from error
    if not schemas or not all("pair_id" in schema.names for schema in schemas):
        raise UnsupportedFile(f"{path} has no pair_id column: it is no export of pairs")
    numeric = {f.name: None for s in schemas for f in s if pa.types.is_floating(f.type)}
    readable = all(name.endswith(READABLE) for name in data)
    first = next(joined(path, data, origins), {}) if readable else {}
    return Side(
        str(path),
        tuple(numeric),
        says(described) if readable and (not first or {*TEXTS} <= {*first}) else None,
        lambda: joined(path, data if readable else [], origins),
    )


def says(described: Mapping[str, Any]) -> str:
    """The layout and its own options; lengths and weights change no text."""
    options = dict(described.get("options") or {})
    own = {name: value for name, value in options.items() if name not in CHECKS}
    return orjson.dumps([described["layout"], own], option=orjson.OPT_SORT_KEYS).decode()


def joined(path: Path, data: Sequence[str], origins: Sequence[str]) -> Iterator[Row]:
    """Rows of data, each with what its provenance says of it, and its split."""
    if not origins:
        for name in data:
            yield from ({**row, "split": split_of(name)} for row in rows_of(path / name))
        return
    for split in sorted({split_of(name) for name in origins}):
        told = rows_of_split(path, origins, split)
        said = rows_of_split(path, data, split) if data else repeat({})
        for origin, row in zip(told, said, strict=bool(data)):
            yield {**row, **origin, "split": split}


def rows_of_split(path: Path, names: Sequence[str], split: str) -> Iterator[Row]:
    for name in names:
        if split_of(name) == split:
            yield from rows_of(path / name)


def split_of(name: str) -> str:
    return Path(name).name.split("-")[0].split(".")[0]


def key_of(row: Row, *, by_text: bool) -> tuple[bytes, int]:
    """What the pair is whatever its label says, and which of its two texts is the chosen one."""
    if not by_text:
        return hashlib.blake2b(row["pair_id"].encode(), digest_size=16).digest(), 0
    one, two = (
        hashlib.blake2b(
            orjson.dumps([row[side], row.get(f"{side}_image")]), digest_size=16
        ).digest()
        for side in TEXTS
    )
    low, high = min(one, two), max(one, two)
    whole = row["prompt_id"].encode() + low + high
    return hashlib.blake2b(whole, digest_size=16).digest(), int(one > two)


def lengths(row: Row) -> dict[str, float]:
    """Characters; of the chosen answer less the rejected one's."""
    prompt, chosen, rejected = (
        characters(row.get(name) or "") for name in ("prompt", "chosen", "rejected")
    )
    return dict(zip(LENGTHS, (prompt, chosen, rejected, chosen - rejected), strict=True))


def characters(said: Any) -> float:
    """Of a text, a message (`content`, or `value` in ShareGPT's words), or several of them."""
    if isinstance(said, str):
        return len(said)
    if isinstance(said, Mapping):
        return characters(said.get("content") or said.get("value") or "")
    return sum(map(characters, said))


def categories(row: Row) -> dict[str, str]:
    """Names by which rows are counted; of a source its file."""
    found = {name: str(row[name]) for name in CATEGORIES if row.get(name) is not None}
    if "source" in found:
        found["source"] = found["source"].partition(":")[0]
    return found
