"""Scoring signals. Every module in this folder is found and offered by the API."""

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from curation.plugins import by_kind, discover, union
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal

discover(__name__, __path__)

SIGNALS = by_kind(Signal)

if TYPE_CHECKING:
    AnySignal = Signal
else:
    AnySignal = union(SIGNALS.values())

parse_signal = TypeAdapter[Signal](AnySignal).validate_python

__all__ = [
    "SIGNALS", "AnySignal", "Column", "Fit", "Level", "Output", "Scores", "Signal", "parse_signal",
]  # fmt: skip
