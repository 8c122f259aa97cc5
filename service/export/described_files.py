"""croissant.json of an exported folder: written beside the data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from service.export import croissant
from service.export.croissant import DataFile
from service.export.layout import TrainerLayout
from service.export.shards import FileFacts, facts

DATA = "data/"
URL = "https://huggingface.co/datasets"  # asked for; the folder does not know where it will lie


class Description(NamedTuple):
    """Nothing of a moment or a machine is said: the same export has the same bytes."""

    name: str
    text: str
    license: str | None
    meanings: Mapping[str, str] = {}


def write(
    folder: Path,
    files: Mapping[str, FileFacts],
    schema: Any,
    said: Description,
    kind: str = "parquet",
) -> dict[str, FileFacts]:
    """Describe the data among `files`, by path in the folder; the facts of croissant.json."""
    described = croissant.Description(said.name, said.text, said.license, URL, None, said.meanings)
    data = [
        DataFile(name, split_of(name), found.get("sha256", ""), found.get("bytes", 0))
        for name, found in files.items()
        if name.startswith(DATA)
    ]
    document = croissant.build(described, schema, data, kind)
    path = folder / croissant.NAME
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return {croissant.NAME: facts(path)}


def write_layout(
    folder: Path, files: Mapping[str, FileFacts], layout: TrainerLayout, license: str | None
) -> dict[str, FileFacts]:
    """The same for a trainer's layout. JSON lines of which only the names are known stay files."""
    schema = layout.features()
    if layout.file_kind == "jsonl" and all(pa.types.is_string(each.type) for each in schema):
        schema = None
    said = Description("prefsift", f"{layout.description}.", license)
    return write(folder, files, schema, said, layout.file_kind)


def split_of(name: str) -> str:
    return Path(name).name.split("-")[0].split(".")[0]
