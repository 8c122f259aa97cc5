"""Columns of a row: a pair in TRL's names, where it comes from, and its newest scores."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from service.export.shards import MESSAGES
from service.tables.viewer import score_column

Kind = Literal["messages", "string", "int64", "float64", "json"]

ARROW = {
    "messages": MESSAGES, "string": pa.string(), "int64": pa.int64(), "float64": pa.float64(),
    "json": pa.string(),
}  # fmt: skip
TEXT = {"dtype": "string", "_type": "Value"}


class Field(NamedTuple):
    """A column. `sql` is its value in the statement of `service.viewer.blocks`.

    Of messages, `sql` is the text of the one message of `role` that they are where `simple`
    holds; elsewhere they are `other`, as jsonb. `whole`: that message has no other keys.
    A `string` or `json` may be NULL; `json` is a value of any type in lines, its text in Arrow.
    """

    name: str
    kind: Kind
    sql: str
    meaning: str
    role: str = ""
    simple: str = ""
    other: str = ""
    whole: bool = True

    @property
    def feature(self) -> dict[str, Any]:
        """The column's type as the `datasets` library writes it."""
        if self.kind == "messages":
            return {"feature": {"role": TEXT, "content": TEXT}, "_type": "List"}
        return {"dtype": "string" if self.kind == "json" else self.kind, "_type": "Value"}


ONE_TURN = (
    "jsonb_array_length(prompt.messages) = 1 AND prompt.messages->0->>'role' = 'user'"
    " AND jsonb_typeof(prompt.messages->0->'content') = 'string'"
)


def answer(name: str, meaning: str) -> Field:
    """A response: its text, else its address where it is media, else its turns."""
    return Field(
        name, "messages", f"coalesce({name}.text, {name}.uri, '')", meaning, "assistant",
        f"({name}.text IS NOT NULL OR {name}.messages IS NULL)", f"{name}.messages",
    )  # fmt: skip


FIELDS = (
    Field(
        "prompt", "messages", "prompt.messages->0->>'content'", "messages before the answer",
        "user", f"({ONE_TURN})", "prompt.messages", whole=False,
    ),
    answer("chosen", "the preferred answer, as messages"),
    answer("rejected", "the other answer, as messages"),
    Field("pair_id", "string", "pair.id::text", "hash of file, line and the two texts"),
    Field("prompt_id", "string", "pair.prompt_id::text", "hash of the prompt's messages"),
    Field("votes", "int64", "pair.votes", "judgments of these two answers, ties included"),
    Field("agreement", "float64", "pair.agreement", "share of them that say what the pair says"),
    Field(
        "source", "string", "left(encode(upload.sha256, 'hex'), 16) || ':' || pair.line",
        "first 16 digits of the file's sha256, and the line",
    ),
)  # fmt: skip


def score_field(name: str, place: int, meaning: str) -> Field:
    """A score by its place (from 1) in `pair_scores`."""
    return Field(name, "float64", f"scored.{score_column(place)}", meaning)


def schema(fields: Sequence[Field]) -> Any:
    """The Arrow schema of rows with these columns."""
    return pa.schema([pa.field(found.name, ARROW[found.kind]) for found in fields])
