"""What `?dry_run=true` answers: how a file would be read."""

from typing import Any

from pydantic import BaseModel, Field

from service import files
from service.ingest.parser import parse


class CandidateOut(BaseModel):
    layout: str = Field(examples=["trl_preference"])
    confidence: float = Field(description="0..1")


class RejectOut(BaseModel):
    line: int
    field: str | None
    code: str = Field(examples=["missing_field"])
    message: str
    raw: str = Field(description="of the line, as far as 500 characters")


class PreviewOut(BaseModel):
    """Of the first 1000 rows, or 8 MiB of them."""

    layout: str | None = Field(description="as asked for or recognised; null: none fits")
    confidence: float = Field(description="how surely the rows have this layout, 0..1")
    candidates: list[CandidateOut] = Field(description="all that may fit, the likeliest first")
    columns: list[str] = Field(description="the file's")
    mapping: dict[str, str] = Field(
        description="the layout's columns -> the file's that are read as these; "
        "correct it with `mapping`"
    )
    suggestion: dict[str, str] | None = Field(
        default=None, description="a mapping to try, where no layout fits and none was given"
    )
    advice: list[str] = Field(
        default=[], description="what to do about the file", examples=[["the file has no rows"]]
    )
    rows: int = Field(description="that were looked at: accepted + rejected")
    accepted: int
    rejected: int
    complete: bool = Field(description="these are all rows of the file")
    records: list[dict[str, Any]] = Field(description="the first 5, in layout `native`")
    rejects: list[RejectOut] = Field(description="the first 20")


def previewed(columns: dict[str, Any], incoming: files.Incoming) -> PreviewOut:
    """Look at what came in. Raises what is wrong with the file as a whole."""
    incoming.close()
    options = {name: columns[name] for name in ("layout", "mapping", "on_nul")}
    (frame,) = parse("preview", key=incoming.key, size=incoming.size, **options)
    return PreviewOut(**frame.header["preview"])
