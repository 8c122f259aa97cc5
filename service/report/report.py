"""The numbers of a selection: what every form of the report is made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecipeLine(Figures):
    id: str
    version: int
    title: str
    paper: str | None
    sha256: str


class Counts(Figures):
    """`rows_in` = accepted + rejected lines; `pairs` can be selected; `kept` were."""

    rows_in: int
    rejected: int
    pairs: int
    kept: int
    prompts: int
    prompts_kept: int


class SplitCount(Figures):
    name: str
    rows: int
    prompts: int
    bytes: int  # of Arrow data


class Scorer(Figures):
    """A signal of the recipe; `metrics` are what its fit measured on rows it had not seen."""

    name: str
    kind: str
    identity: str
    columns: tuple[str, ...]
    metrics: dict[str, float]
    statuses: dict[str, int]  # missing cells in the pool, by reason


class Change(Figures):
    """A property of all selectable pairs and of those kept; None where it is undefined."""

    name: str
    unit: str  # "pairs", "characters", "share", "ratio"
    before: float | None
    after: float | None


class Histogram(Figures):
    """Counts between `edges` (one more than counts)."""

    name: str
    edges: tuple[float, ...]
    kept: tuple[int, ...]
    dropped: tuple[int, ...]


class Example(Figures):
    """A pair to look at; texts are cut, `value` is the score that put it here."""

    pair_id: str
    source: str
    prompt: str
    chosen: str
    rejected: str
    rank: int | None
    reason: str
    value: float | None


class LabelsLine(Figures):
    """Whose labels leave, where they are not the raw ones: `counts` of what was done to how many
    pairs, `left_out` for it."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a manifest says more of them

    of: str
    version: int | None
    counts: dict[str, int]
    left_out: int


class Report(Figures):
    """With `labels`, what is said of the kept pairs is said of them as they leave; the evaluation
    and the scorers read raw labels."""

    recipe: RecipeLine
    budget: str
    seed: int
    counts: Counts
    splits: tuple[SplitCount, ...] = ()
    evaluation: dict[str, Any] | None = None
    scorers: tuple[Scorer, ...] = ()
    composition: tuple[Change, ...] = ()
    margins: Histogram | None = None
    reasons: dict[str, int] = {}
    rejects: dict[str, int] = {}
    degraded: tuple[str, ...] = ()
    expects: tuple[dict[str, Any], ...] = ()
    top: tuple[Example, ...] = ()
    suspects: tuple[Example, ...] = ()
    labels: LabelsLine | None = None
