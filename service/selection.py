"""What a subset's manifest holds: which scores it used, and what became of the pool."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FitUse(Described):
    """The generation of a whole-dataset signal that the subset was selected with."""

    items_sha256: str
    items: int
    metrics: dict[str, float]


class SignalUse(Described):
    """A signal of the recipe; `columns` maps its outputs to their names in an export."""

    name: str
    kind: str
    version: int
    identity: str
    level: str
    spec: dict[str, Any]
    columns: dict[str, str]
    statuses: dict[str, int] = {}
    fit: FitUse | None = None


class SubsetManifest(Described):
    """`tokens` are those kept, where the budget counts them. `parents`: what was put together."""

    signals: tuple[SignalUse, ...] = ()
    reasons: dict[str, int] = {}
    prompts: int = 0
    prompts_kept: int = 0
    objective: float | None = None
    degraded: tuple[str, ...] = ()
    outputs: dict[str, str] = {}  # columns of an export by the score column that they come from
    expects: tuple[dict[str, Any], ...] = ()
    tokens: int | None = None
    tokens_counted_by: str | None = None
    stability: dict[str, Any] | None = None
    parents: tuple[dict[str, Any], ...] = ()

    def score_columns(self) -> list[str]:
        return [column for signal in self.signals for column in signal.columns.values()]
