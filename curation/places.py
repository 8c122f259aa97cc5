"""Says where in a file a value stands that does not fit, by its line and its field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from curation.misfits import in_words

SHOWN = 5  # errors of one file


class Misfit(NamedTuple):
    """A part that does not fit the others: below `path`, where `value` stands if one is named."""

    path: Sequence[int | str]
    value: str | None
    message: str


class Misfits(ValueError):
    """Parts that fit each by itself, and not together."""

    def __init__(self, parts: Sequence[Misfit]) -> None:
        super().__init__("; ".join(each.message for each in parts))
        self.parts = parts


def located(text: str, where: str, error: ValidationError) -> str:
    """One sentence an error: "mine.yaml line 7, selector.gamma: 3 is wrong: it should be …"."""
    root = yaml.compose(text, yaml.SafeLoader)
    said = [each for found in error.errors() for each in sentences(root, where, found)]
    more = [f"and {len(said) - SHOWN} more"] if len(said) > SHOWN else []
    return "; ".join([*said[:SHOWN], *more])


def sentences(root: Any, where: str, found: Mapping[str, Any]) -> Iterator[str]:
    inner = (found.get("ctx") or {}).get("error")
    if not isinstance(inner, Misfits):
        yield told(root, where, found["loc"], found["type"] == "missing", in_words(found))
        return
    for part in inner.parts:
        path = [*part.path, *below(node_at(root, part.path), part.value)]
        yield told(root, where, path, False, part.message)


def told(root: Any, where: str, path: Sequence[int | str], is_missing: bool, message: str) -> str:
    line, names = 1, list[str]()
    for mark, name in steps(root, path):
        line = mark.line + 1
        names.append(name)
    names += [str(path[-1])] if is_missing else []
    field = f", {'.'.join(names)}" if names else ""
    return f"{where} line {line}{field}: {message}"


def node_at(root: Any, path: Sequence[int | str]) -> Any:
    for part in path:
        if isinstance(root, yaml.MappingNode):
            root = next((value for key, value in root.value if key.value == part), None)
        elif isinstance(root, yaml.SequenceNode) and isinstance(part, int):
            root = root.value[part]
    return root


def below(node: Any, value: str | None) -> list[int | str]:
    """The path from a node to the first scalar that is `value`; [] where there is none."""
    parts: list[tuple[int | str, Any]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(key.value, each) for key, each in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = list(enumerate(node.value))
    for part, each in parts:
        if isinstance(each, yaml.ScalarNode) and each.value == value:
            return [part]
        if found := below(each, value):
            return [part, *found]
    return []


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
