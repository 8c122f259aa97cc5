"""What a filter may name: each field's kind, and where its value lies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    String,
    Text,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from service.filters.tree import Field
from service.filters.unknown import unknown
from service.tables.datasets import Upload
from service.tables.items import Prompt, Record, Response
from service.tables.pairs import Pair
from service.tables.scores import EmbeddedPrompt, EmbeddingRow, Score
from service.tables.viewer import OWN_COLUMNS, PairScores

Kind: TypeAlias = Literal["number", "text", "boolean", "json"]
Value: TypeAlias = ColumnElement[Any]
METADATA = "metadata."
# The field a short name stands for; language is what the file said it is.
SHORT = {
    "n_judgments": "votes", "language": "metadata.language", "prompt.language": "metadata.language",
    "pair_id": "id",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A field: `joins` are the tables besides pairs that its value needs."""

    kind: Kind
    meaning: str
    value: Callable[[Any], Any]  # of Tables
    joins: tuple[str, ...] = ()


@dataclass
class Tables:
    """The tables of one query, under names of its own; `used` collects those it has to join."""

    prompt: Any = field(default_factory=lambda: aliased(Prompt, name="prompt"))
    chosen: Any = field(default_factory=lambda: aliased(Response, name="chosen"))
    rejected: Any = field(default_factory=lambda: aliased(Response, name="rejected"))
    upload: Any = field(default_factory=lambda: aliased(Upload, name="upload"))
    scored: Any = field(default_factory=lambda: aliased(PairScores, name="scored"))
    meant: Any = field(default_factory=lambda: aliased(EmbeddedPrompt, name="meant"))
    vector: Any = field(default_factory=lambda: aliased(EmbeddingRow, name="vector"))
    used: set[str] = field(default_factory=set[str])

    def of_pairs(self) -> list[Any]:
        """Those that a pair has one row of."""
        return [self.prompt, self.chosen, self.rejected, self.upload, self.scored, self.vector]


def joined(messages: Any) -> Value:
    """The contents of messages, a line break between two."""
    each = func.jsonb_array_elements(messages).table_valued("value").alias()
    content = each.c.value.op("->>")("content")
    return select(func.string_agg(content, literal("\n"))).select_from(each).scalar_subquery()


def answer_text(table: Any) -> Value:
    return func.coalesce(table.text, joined(table.messages))


def answer(name: str, which: str) -> dict[str, Entry]:
    def of(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda tables: value(getattr(tables, name))

    said: dict[str, tuple[Kind, str, Callable[[Any], Any]]] = {
        "text": ("text", f"text of the {which} answer", answer_text),
        "length": ("number", "its characters", lambda table: func.length(answer_text(table))),
        "turns": (
            "number", "its messages",
            lambda table: func.coalesce(func.jsonb_array_length(table.messages), 1),
        ),
        "model": ("text", "the model that gave it", lambda table: table.model),
        "uri": ("text", "where it lies, for media", lambda table: table.uri),
    }  # fmt: skip
    return {
        f"{name}.{end}": Entry(kind, meaning, of(value), (name,))
        for end, (kind, meaning, value) in said.items()
    }


PAIR: dict[str, Entry] = {
    "id": Entry("text", "id of the pair", lambda _: cast(Pair.id, String)),
    "prompt_id": Entry("text", "id of the prompt", lambda _: cast(Pair.prompt_id, String)),
    "position": Entry("number", "order of the lines", lambda _: cast(Pair.position, Double)),
    "votes": Entry("number", "judgments of the two answers", lambda _: cast(Pair.votes, Double)),
    "agreement": Entry("number", "share that says what the pair says", lambda _: Pair.agreement),
    "margin": Entry("number", "distance in the labels' unit", lambda _: Pair.margin),
    "soft_label": Entry("number", "P(chosen is better) by the votes", lambda _: Pair.soft_label),
    "curriculum_stage": Entry(
        "number", "from 1, the easiest", lambda _: cast(Pair.curriculum_stage, Double)
    ),
    "source.line": Entry("number", "line of the file", lambda _: cast(Pair.line, Double)),
    "source.upload": Entry("text", "id of the upload", lambda _: cast(Pair.upload_id, String)),
    "source.filename": Entry("text", "name of the file", lambda t: t.upload.filename, ("upload",)),
    "source.layout": Entry("text", "layout of the file", lambda t: t.upload.layout, ("upload",)),
    "prompt.text": Entry(
        "text", "the prompt's messages", lambda t: joined(t.prompt.messages), ("prompt",)
    ),
    "prompt.length": Entry(
        "number", "its characters", lambda t: func.length(joined(t.prompt.messages)), ("prompt",)
    ),
    "prompt.turns": Entry(
        "number", "its messages", lambda t: func.jsonb_array_length(t.prompt.messages), ("prompt",)
    ),
    "prompt.modality": Entry("text", "text or image", lambda t: t.prompt.modality, ("prompt",)),
    **answer("chosen", "preferred"),
    **answer("rejected", "other"),
}  # fmt: skip


class Catalogue:
    """The fields of a dataset: those of every pair, its scores by name, its metadata."""

    def __init__(self, scores: Sequence[Mapping[str, Any]]) -> None:
        self.scores: dict[str, Entry] = {}
        for place, found in enumerate(scores, 1):
            entry = Entry("number", found["meaning"], score(place), ("scored",))
            self.scores[found["name"]] = entry
            # A signal's own name is its first output.
            self.scores.setdefault(found["name"].partition(".")[0], entry)
        self.scores |= statuses(scores)

    def entry(self, found: Field, of_judgment: Mapping[str, Entry]) -> Entry:
        """Raises BadFilter `unknown_field`, whatever else may have that name."""
        path = SHORT.get(found.path, found.path)
        if path in of_judgment:
            return of_judgment[path]
        if path in PAIR:
            return PAIR[path]
        if path in self.scores:
            return self.scores[path]
        if path.startswith(METADATA) and all(path.split(".")):
            keys = path.removeprefix(METADATA).split(".")
            return Entry("json", "what the line said", lambda _: metadata(keys))
        raise unknown(found, {*of_judgment, *PAIR, *self.scores, *SHORT})

    def listed(self) -> dict[str, Entry]:
        return {**PAIR, **self.scores}


def score(place: int) -> Callable[[Any], Any]:
    if place > OWN_COLUMNS:
        return lambda tables: tables.scored.more[place - OWN_COLUMNS]
    return lambda tables: getattr(tables.scored, f"s{place}")


def statuses(scores: Sequence[Mapping[str, Any]]) -> dict[str, Entry]:
    """Why a score is missing: of each output, and of a signal as a whole."""
    signals: dict[str, list[Mapping[str, Any]]] = {}
    for found in scores:
        signals.setdefault(found["name"].partition(".")[0], []).append(found)
    names = {found["name"]: [found] for found in scores} | signals
    meaning = "ok, or why there is no score; missing where none was computed"
    # `scored` says that the value is of the snapshot: all pages of a filter by it read the same.
    return {
        f"{name}.status": Entry("text", meaning, status(own), ("scored",))
        for name, own in names.items()
    }


def status(outputs: Sequence[Mapping[str, Any]]) -> Callable[[Any], Any]:
    """Of several outputs of a signal the first that is missing, by name."""
    first = outputs[0]
    fit = Score.fit_id.is_(None) if first["fit_id"] is None else Score.fit_id == first["fit_id"]
    item = Pair.prompt_id if first["level"] == "prompt" else Pair.id
    found = (
        select(Score.status)
        .where(Score.signal_id == first["signal_id"], fit, Score.item_id == item)
        .where(or_(*(Score.output == each["output"] for each in outputs)))
        .order_by(Score.status == "ok", Score.output)
        .limit(1)
        .correlate(Pair)
        .scalar_subquery()
    )
    return lambda _: found


def metadata(keys: Sequence[str]) -> Value:
    """jsonb: the line's `metadata`, or a column that its layout does not know."""
    inside = literal("{" + ",".join(map(array_element, ["metadata", *keys])) + "}")
    beside = literal("{" + ",".join(map(array_element, keys)) + "}")
    value = func.coalesce(
        Record.extra.op("#>")(as_path(inside)), Record.extra.op("#>")(as_path(beside))
    )
    return (
        select(value)
        .where(Record.upload_id == Pair.upload_id, Record.line == Pair.line)
        .where(Record.prompt_id == Pair.prompt_id)
        .order_by(Record.part)
        .limit(1)
        .correlate(Pair)
        .scalar_subquery()
    )


def array_element(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_path(value: Any) -> Any:
    return cast(value, ARRAY(Text))
