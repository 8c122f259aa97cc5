"""Croissant 1.1 metadata (JSON-LD) of data files: what is in them, typed, with their hashes."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa

NAME = "croissant.json"
ENCODINGS = {
    "parquet": "application/x-parquet",
    "jsonl": "application/jsonlines",
    "csv": "text/csv",
}
# optional: mlcroissant applies the pattern twice
ENDING = r"(?:(?:-[0-9]+-of-[0-9]+)?\.(?:parquet|jsonl|csv))"
RECORDS, SPLITS = "default", "splits"

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            "arrayShape", "citeAs", "column", "equivalentProperty", "extract", "field",
            "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray",
            "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
            "references", "regex", "repeated", "replace", "samplingRate", "separator", "source",
            "subField", "transform",
        )
    },
}  # fmt: skip

DATA_TYPES = {
    "bool": "sc:Boolean",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
    "float": "cr:Float32",
    "double": "cr:Float64",
    "string": "sc:Text",
}


class DataFile(NamedTuple):
    """A file of a split; `url` is a path relative to the JSON-LD, or absolute."""

    url: str
    split: str
    sha256: str
    bytes: int


class Description(NamedTuple):
    """What the files as a whole are. `meanings` describes columns by name, where it has them."""

    name: str
    text: str
    license: str | None
    url: str
    published: str | None  # ISO 8601
    meanings: Mapping[str, str]
    version: str = "1.0.0"


def build(
    described: Description, schema: Any, files: Sequence[DataFile], kind: str = "parquet"
) -> dict[str, Any]:
    """JSON-LD that mlcroissant validates and reads. `schema` is the files' Arrow schema.

    None describes the files and not what is in them. `kind` is one of ENCODINGS. A file's place in
    the folder must name its split: `…<split>-00000-of-00001.parquet`, `…<split>.jsonl`.
    """
    splits = list(dict.fromkeys(file.split for file in files))
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": described.name,
        "description": described.text,
        "license": described.license or "unknown",
        "url": described.url,
        "version": described.version,
        "creator": {"@type": "sc:Organization", "name": "prefsift"},
        "distribution": [*(file_object(file, kind) for file in files), *file_sets(files, kind)],
        "recordSet": [],
    }
    if described.published is not None:
        document["datePublished"] = described.published
    if files and schema is not None:
        records = {"@type": "cr:RecordSet", "@id": RECORDS, "name": RECORDS}
        fields = [column(found, (RECORDS,), (), described.meanings, kind) for found in schema]
        rows = {**records, "field": [split(splits, kind), *fields]}
        document["recordSet"] = [split_set(splits), rows]
    return document


def file_object(file: DataFile, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.url,
        "name": file.url,
        "contentUrl": file.url,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": ENCODINGS[kind],
        "sha256": file.sha256,
    }


def file_sets(files: Sequence[DataFile], kind: str) -> list[dict[str, Any]]:
    if not files:
        return []
    contained = [{"@id": file.url} for file in files]
    made = {"@type": "cr:FileSet", "@id": kind, "name": kind, "containedIn": contained}
    return [{**made, "encodingFormat": ENCODINGS[kind], "includes": f"{place(files)}/*.{kind}"}]


def place(files: Sequence[DataFile]) -> str:
    """The folder of relative paths: what else lies beside them is no data; ** of absolute ones."""
    folders = {PurePosixPath(file.url).parent.as_posix() for file in files}
    relative = not any("://" in file.url for file in files)
    return folders.pop() if relative and len(folders) == 1 else "**"


def split_set(splits: Sequence[str]) -> dict[str, Any]:
    """The record set that names the splits, for the `split` of each row to refer to."""
    name = f"{SPLITS}/name"
    return {
        "@type": "cr:RecordSet",
        "@id": SPLITS,
        "name": SPLITS,
        "description": "Splits of the data.",
        "dataType": "cr:Split",
        "key": {"@id": name},
        "field": [{"@type": "cr:Field", "@id": name, "name": "name", "dataType": "sc:Text"}],
        "data": [{name: split} for split in splits],
    }


def split(splits: Sequence[str], kind: str) -> dict[str, Any]:
    """The row's split, read off the file's name."""
    return {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/split",
        "name": "split",
        "description": "Split that the row belongs to.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": kind},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": f"^(?:.*/)?({'|'.join(splits)}){ENDING}?$"},
        },
        "references": {"field": {"@id": f"{SPLITS}/name"}},
    }


def column(
    found: Any,
    parents: tuple[str, ...],
    path: tuple[str, ...],
    meanings: Mapping[str, str],
    files: str,
) -> dict[str, Any]:
    """The field of an Arrow column, or of a struct's member at `path` inside its column."""
    place = (*parents, found.name)
    made: dict[str, Any] = {"@type": "cr:Field", "@id": "/".join(place), "name": found.name}
    if not path:
        made["description"] = meanings.get(found.name, f"column {found.name}")
    kind = found.type
    while pa.types.is_list(kind):
        shape = f"{made['arrayShape']},-1" if "arrayShape" in made else "-1"
        made |= {"isArray": True, "arrayShape": shape}
        kind = kind.value_type
    if pa.types.is_struct(kind):
        members = (kind.field(i) for i in range(kind.num_fields))
        made["subField"] = [
            column(member, place, (*path, member.name), meanings, files) for member in members
        ]
        return made
    source: dict[str, Any] = {"fileSet": {"@id": files}, "extract": {"column": place[1]}}
    steps = [{"jsonPath": step} for step in path]
    if steps:
        source["transform"] = steps[0] if len(steps) == 1 else steps
    return {**made, "dataType": DATA_TYPES[str(kind)], "source": source}
