"""What a comparison of two subsets or exports says."""

from typing import TypeAlias

from pydantic import BaseModel, Field

from service.diff.distributions import CategoryShift, Shift

PairIds: TypeAlias = tuple[str, str]


class SideOut(BaseModel):
    name: str = Field(description="folder, or id of the subset", examples=["curated"])
    pairs: int = Field(description="rows that were compared", examples=[1000])
    gone: int = Field(
        description="pairs of the subset that were withdrawn, erased or decided otherwise since",
        examples=[0],
    )
    only: list[str] = Field(description="numeric columns that the other has not", examples=[[]])


class Rescored(BaseModel):
    """A score of pairs that both have with the same label."""

    name: str = Field(examples=["margin_mean"])
    pairs: int = Field(examples=[12])
    missing: int = Field(description="of them, with a value on one side only", examples=[0])
    mean_change: float | None = Field(description="b less a", examples=[0.01])
    largest_change: float | None = Field(description="without its sign", examples=[0.4])


class Diff(BaseModel):
    """From a to b. Of a and b exchanged, everything is mirrored."""

    same: bool = Field(description="nothing differs, not even a split")
    a: SideOut
    b: SideOut
    flips_told: bool = Field(description="false where a layout hides which text is which")
    kept: int = Field(description="pairs that both have with the same label", examples=[980])
    added: int = Field(examples=[10])
    removed: int = Field(examples=[10])
    flipped: int = Field(description="the same two texts, chosen and rejected exchanged")
    moved: int = Field(description="pairs that are in another split")
    rescored: int = Field(description="kept pairs with another value of any score")
    scores: list[Rescored] = Field(description="each shared score that changed")
    numbers: list[Shift] = Field(description="each shared numeric column")
    categories: list[CategoryShift]
    added_pairs: list[str] = Field(description="the first ids, by content")
    removed_pairs: list[str]
    flipped_pairs: list[PairIds] = Field(description="id in a, id in b")
    rescored_pairs: list[PairIds]
