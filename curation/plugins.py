"""Finds the plug-ins of a folder: one file, one kind."""

from collections.abc import Iterable
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
    found = {str(plugin.model_fields["kind"].default): plugin for plugin in base.__subclasses__()}
    return dict(sorted(found.items()))


def union(kinds: Iterable[type[BaseModel]]) -> Any:
    """The discriminated union of the plug-ins: validates a specification by its `kind`."""
    return Annotated[reduce(or_, kinds), Field(discriminator="kind")]
