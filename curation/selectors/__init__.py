"""Subset selectors. Every module in this folder is found and offered by the API."""

from typing import TYPE_CHECKING

from curation.plugins import by_kind, discover, union
from curation.selectors.selector import Pool, Selection, Selector

discover(__name__, __path__)

SELECTORS = by_kind(Selector)

if TYPE_CHECKING:
    AnySelector = Selector
else:
    AnySelector = union(SELECTORS.values())

__all__ = ["SELECTORS", "AnySelector", "Pool", "Selection", "Selector"]
