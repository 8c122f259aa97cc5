"""Is croissant.json of an exported folder what the manifest says of the data?"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from service.export import croissant
from service.export.described_files import DATA
from service.export.split_checks import Difference


def check(folder: Path, files: Mapping[str, Any]) -> Iterator[Difference]:
    """Each data file is described with its hash and size, and nothing else is."""
    if croissant.NAME not in files or not (folder / croissant.NAME).is_file():
        return  # a missing one is found by the manifest; the first exports had none
    try:
        document = orjson.loads((folder / croissant.NAME).read_bytes())
        claimed = {
            each["contentUrl"]: (each["sha256"], each["contentSize"])
            for each in document["distribution"]
            if each["@type"] == "cr:FileObject"
        }
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        yield Difference(croissant.NAME, f"is no Croissant document: {error!r}")
        return
    actual = {
        name: (found["sha256"], f"{found['bytes']} B")
        for name, found in files.items()
        if name.startswith(DATA)
    }
    for name in sorted(claimed.keys() | actual.keys()):
        if claimed.get(name) != actual.get(name):
            said = f"says {claimed.get(name)} of {name}; the manifest {actual.get(name)}"
            yield Difference(croissant.NAME, said)
