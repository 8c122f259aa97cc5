"""Finds the plug-ins of a folder: one file, one kind."""

from collections.abc import Iterable, Iterator
from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

Plugin = TypeVar("Plugin", bound=BaseModel)


def discover(package: str, path: Iterable[str]) -> None:
    """Import every module of the package, so that its classes register themselves."""
    for module in sorted(iter_modules(path), key=lambda found: found.name):
        import_module(f"{package}.{module.name}")


def by_kind(base: type[Plugin]) -> dict[str, type[Plugin]]:
    """The plug-in classes by the default of their `kind` field, sorted by it."""
    kinds = [found for found in descendants(base) if "kind" in found.model_fields]
    return dict(sorted((str(found.model_fields["kind"].default), found) for found in kinds))


def descendants(base: type[Plugin]) -> Iterator[type[Plugin]]:
    for found in base.__subclasses__():
        yield found
        yield from descendants(found)


def union(kinds: Iterable[type[BaseModel]]) -> Any:
    """The discriminated union of the plug-ins: validates a specification by its `kind`."""
    return Annotated[reduce(or_, kinds), Field(discriminator="kind")]
