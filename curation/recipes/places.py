"""Says where in a file a value stands that does not fit, by its line and its field."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

SHOWN = 5  # errors of one file


def located(text: str, where: str, error: ValidationError) -> str:
    """One sentence an error: "mine.yaml line 7, selector.gamma: Input should be …"."""
    root = yaml.compose(text, yaml.SafeLoader)
    found = error.errors()
    said = [
        told(root, where, each["loc"], each["type"] == "missing", each["msg"])
        for each in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        said.append(f"and {len(found) - SHOWN} more")
    return "; ".join(said)


def told(root: Any, where: str, path: Sequence[int | str], is_missing: bool, message: str) -> str:
    line, names = 1, list[str]()
    for mark, name in steps(root, path):
        line = mark.line + 1
        names.append(name)
    names += [str(path[-1])] if is_missing else []
    field = f", {'.'.join(names)}" if names else ""
    return f"{where} line {line}{field}: {message.removeprefix('Value error, ')}"


def steps(node: Any, path: Sequence[int | str]) -> Iterator[tuple[Any, str]]:
    """Where each part of the path stands in the file. Parts that are none of the file's keys, as
    the kind of a signal, are passed over; a field that is missing ends at what it is missing from.
    """
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next((each for each in node.value if each[0].value == part), None)
            if found is None:
                continue
            yield found[0].start_mark, str(part)
            node = found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            yield node.start_mark, str(part)
