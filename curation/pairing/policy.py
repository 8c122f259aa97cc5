"""What a pair policy is: a frozen specification that turns one prompt's labels into pairs."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, ClassVar, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from curation.pairing.labels import Judged

MAX_LIST = 300  # responses of one list of which all pairs are looked at
NAMES = frozenset({"id", "title", "paper"})  # what a policy is called changes no pair


class BuiltPair(NamedTuple):
    """`chosen` and `rejected` are response ids.

    votes: judgments of both responses (0 for gold); agreement: share of them that say what the
    pair says, 0..1. margin: how far apart the two lie in the unit of their labels (rating points,
    ranks, strength, share of thumbs), None where nothing says. soft_label: P(chosen is better), the
    votes for it with half of the ties, 0..1. stage: from 1, the easiest first.
    """

    chosen: str
    rejected: str
    votes: int = 1
    agreement: float = 1.0
    margin: float | None = None
    soft_label: float | None = None
    stage: int | None = None


class Built(NamedTuple):
    """The pairs of a prompt, and how often each reason spoke against another one."""

    pairs: list[BuiltPair]
    skipped: Counter[str]


class PairPolicy(BaseModel, ABC):
    """Builds pairs of one prompt's responses; equal labels give equal pairs in any order.

    Responses that say the same are never a pair. `ties`: `drop` counts them, `soft` writes them
    with soft label 0.5, the lower id as chosen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1
    soft_ties: ClassVar[bool] = True  # whether `ties: soft` means something for this kind

    id: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,62}$")
    title: str = Field(default="", max_length=200)
    paper: str | None = Field(default=None, pattern=r"^\d{4}\.\d{4,5}$", description="arXiv id")
    ties: Literal["drop", "soft"] = "drop"
    min_gap: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="least margin, in the labels' own unit"
    )
    cap_per_prompt: int | None = Field(
        default=None, ge=1, le=10_000, description="the widest margins stay, then a seeded draw"
    )
    cross_model_only: bool = Field(
        default=False, description="only responses of two different, known models"
    )
    seed: int = Field(default=0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def soft_ties_have_no_gap(self) -> "PairPolicy":
        if self.ties == "soft" and not self.soft_ties:
            raise ValueError(f"{self.kind_of()} pairs no ties: `ties: soft` is not for it")
        if self.ties == "soft" and self.min_gap > 0:
            raise ValueError("ties have no gap: `ties: soft` needs `min_gap: 0`")
        return self

    @abstractmethod
    def build(self, judged: Judged) -> Built:
        """Pairs of one prompt."""

    def name(self) -> str:
        return self.id or str(self.kind_of())

    def kind_of(self) -> str:
        return str(type(self).model_fields["kind"].default)

    def parameters(self) -> dict[str, Any]:
        """All that decides which pairs are built."""
        return {"version": self.version, **self.model_dump(mode="json", exclude=set(NAMES))}

    def sha256(self) -> str:
        """Names exactly these pairs: two policies of one sha build the same."""
        body = orjson.dumps(self.parameters(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(body).hexdigest()
