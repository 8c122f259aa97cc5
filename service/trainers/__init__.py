"""Trainers' layouts, one file a trainer; those that load the data lie beside it as files."""

from curation.plugins import discover
from service.export.layout import PairLayout, RecordLayout, TrainerLayout

discover(__name__, __path__)

LAYOUTS: dict[str, type[TrainerLayout]] = {
    layout.name: layout
    for layout in sorted(
        [*PairLayout.__subclasses__(), *RecordLayout.__subclasses__()],
        key=lambda layout: layout.name,
    )
}

__all__ = ["LAYOUTS", "PairLayout", "RecordLayout", "TrainerLayout"]
