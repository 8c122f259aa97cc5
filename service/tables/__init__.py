"""SQLAlchemy tables, one file per subject. Importing this package maps all of them."""

from service.tables import (
    access,
    audits,
    datasets,
    duplicates,
    erasures,
    items,
    jobs,
    labels,
    pairs,
    reviews,
    scores,
    secrets,
    sessions,
    splits,
    subsets,
    viewer,
    views,
)
from service.tables.metadata import Table

__all__ = [
    "Table", "access", "audits", "datasets", "duplicates", "erasures", "items", "jobs", "labels",
    "pairs", "reviews", "scores", "secrets", "sessions", "splits", "subsets", "viewer", "views",
]  # fmt: skip
