"""The native record: one prompt a line, and everything that a label can say."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import (
    decoded,
    integer,
    items,
    messages,
    number,
    optional_text,
    required,
    text,
)
from service.formats.format import Format
from service.formats.record import (
    Annotator,
    Comparison,
    Feedback,
    Label,
    Ranking,
    Rating,
    Record,
    Response,
    RowError,
)
from service.tables.labels import Outcome

COLUMNS = (
    "id", "modality", "messages", "responses", "comparisons", "ratings", "rankings", "feedback",
    "gold", "metadata",
)  # fmt: skip
THEIRS = "extra"  # unknown columns of another layout whose names are columns of this one
KINDS = ("human", "model", "rule")


class NativeRecord(Format):
    name: ClassVar[str] = "native"
    description: ClassVar[str] = "prefsift's own record: a prompt, its responses, every label"
    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        labels = {"responses", "comparisons", "ratings", "rankings", "feedback"}
        found = [row for row in rows if "messages" in row and labels & row.keys()]
        return len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        responses = [read_response(item, i) for i, item in enumerate(items(row, "responses"))]
        known = {response.id for response in responses}
        if len(known) < len(responses):
            raise RowError("duplicate_id", "two responses have the same id", "responses")
        gold = decoded(row.get("gold"))
        if gold is not None and not isinstance(gold, dict):
            raise RowError("wrong_type", "gold must be an object", "gold")
        extra = {name: value for name, value in row.items() if name not in (*COLUMNS, THEIRS)}
        if row.get("metadata"):
            extra["metadata"] = decoded(row["metadata"])
        theirs = decoded(row.get(THEIRS))
        if theirs is not None:
            set_aside = isinstance(theirs, dict) and theirs.keys() <= {*COLUMNS, THEIRS}
            extra |= theirs if set_aside else {THEIRS: theirs}
        return Record(
            messages(required(row, "messages"), "messages"),
            tuple(responses),
            tuple(read_comparison(*at, known) for at in numbered(row, "comparisons")),
            tuple(read_rating(*at, known) for at in numbered(row, "ratings")),
            tuple(read_ranking(*at, known) for at in numbered(row, "rankings")),
            tuple(read_feedback(*at) for at in numbered(row, "feedback")),
            record_id=None if row.get("id") is None else str(row["id"]),
            modality=read_modality(row),
            gold=gold,
            extra=extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        extra = dict(record.extra)
        metadata = extra.pop("metadata", None)
        theirs = {name: extra.pop(name) for name in (*COLUMNS, THEIRS) if name in extra}
        row = {
            "id": record.record_id,
            "modality": record.modality,
            "messages": list(record.messages),
            "responses": [write_response(response) for response in record.responses],
            "comparisons": [write_comparison(label) for label in record.comparisons],
            "ratings": [write_rating(label) for label in record.ratings],
            "rankings": [
                {"tiers": [list(tier) for tier in label.tiers], **write_label(label)}
                for label in record.rankings
            ],
            "feedback": [
                {"turn": label.turn, "kind": label.kind, "label": label.label, "text": label.text}
                | write_label(label)
                for label in record.feedback
            ],
            "gold": record.gold,
            "metadata": metadata,
            THEIRS: theirs or None,
            **extra,
        }
        kept = {"messages", "responses", *extra}
        return [
            {name: value for name, value in row.items() if name in kept or value not in (None, [])}
        ]


def numbered(row: dict[str, Any], name: str) -> list[tuple[dict[str, Any], str]]:
    return [(item, f"{name}[{index}]") for index, item in enumerate(items(row, name))]


def read_response(item: dict[str, Any], index: int) -> Response:
    field = f"responses[{index}]"
    turns = item.get("messages")
    scores = item.get("scores") or {}
    if not isinstance(scores, dict):
        raise RowError("wrong_type", f"{field}.scores must be an object", f"{field}.scores")
    return Response(
        str(item.get("id", f"r{index}")),
        optional_text(item, "text", f"{field}.text"),
        None if turns is None else messages(turns, f"{field}.messages"),
        optional_text(item, "uri", f"{field}.uri"),
        optional_text(item, "model", f"{field}.model"),
        {str(k): number(v, f"{field}.scores.{k}") for k, v in scores.items()} or None,
    )


def read_annotator(item: dict[str, Any], field: str) -> Annotator | None:
    if item.get("annotator") is None:
        return None
    kind = item.get("annotator_kind", "human")
    if kind not in KINDS:
        raise RowError("wrong_type", f"annotator_kind is {kind!r}", f"{field}.annotator_kind")
    return Annotator(str(item["annotator"]), kind)


def read_label(item: dict[str, Any], field: str) -> dict[str, Any]:
    return {
        "annotator": read_annotator(item, field),
        "aspect": optional_text(item, "aspect", f"{field}.aspect"),
        "rationale": optional_text(item, "rationale", f"{field}.rationale"),
    }


def named_response(item: dict[str, Any], name: str, field: str, known: set[str]) -> str:
    found = str(required(item, name))
    if found not in known:
        raise RowError("unknown_response", f"no response has the id {found!r}", f"{field}.{name}")
    return found


def read_comparison(item: dict[str, Any], field: str, known: set[str]) -> Comparison:
    try:
        outcome = Outcome(required(item, "outcome"))
    except ValueError:
        detail = f"{field}.outcome is {item['outcome']!r}; known: {', '.join(Outcome)}"
        raise RowError("wrong_type", detail, f"{field}.outcome") from None
    a = named_response(item, "a", field, known)
    b = named_response(item, "b", field, known)
    if a == b:
        raise RowError("same_response", "a response is compared with itself", f"{field}.b")
    shown = item.get("shown")
    if shown not in (None, "ab", "ba"):
        raise RowError("wrong_type", f"{field}.shown is {shown!r}; known: ab, ba", f"{field}.shown")
    strength = item.get("strength")
    return Comparison(
        **read_label(item, field),
        a=a,
        b=b,
        outcome=outcome,
        strength=None if strength is None else number(strength, f"{field}.strength"),
        shown=shown,
    )


def read_modality(row: dict[str, Any]) -> str:
    given = optional_text(row, "modality", "modality") or "text"
    if given not in ("text", "image"):
        raise RowError("wrong_value", f"modality is {given!r}, not text or image", "modality")
    return given


def read_rating(item: dict[str, Any], field: str, known: set[str]) -> Rating:
    turn = item.get("turn")
    return Rating(
        **read_label(item, field),
        value=number(required(item, "value"), f"{field}.value"),
        response=None
        if item.get("response") is None
        else named_response(item, "response", field, known),
        turn=None if turn is None else integer(turn, f"{field}.turn"),
        scale=read_scale(item.get("scale"), f"{field}.scale"),
    )


def read_scale(scale: Any, field: str) -> tuple[float, float] | None:
    if scale is None:
        return None
    if not isinstance(scale, list) or len(scale) != 2:
        raise RowError("wrong_type", f"{field} must be [low, high]", field)
    low, high = number(scale[0], field), number(scale[1], field)
    if low >= high:
        raise RowError("wrong_value", f"{field} must rise: [low, high]", field)
    return low, high


def read_ranking(item: dict[str, Any], field: str, known: set[str]) -> Ranking:
    tiers = required(item, "tiers")
    if not isinstance(tiers, list) or not all(isinstance(tier, list) for tier in tiers):
        raise RowError("wrong_type", f"{field}.tiers must be lists of ids", f"{field}.tiers")
    named = [[str(id) for id in tier] for tier in tiers]
    flat = [id for tier in named for id in tier]
    unknown = next((id for id in flat if id not in known), None)
    if unknown is not None:
        raise RowError("unknown_response", f"no response has the id {unknown!r}", f"{field}.tiers")
    if len(set(flat)) < len(flat):
        raise RowError("duplicate_id", "a response is ranked twice", f"{field}.tiers")
    return Ranking(**read_label(item, field), tiers=named)


def read_feedback(item: dict[str, Any], field: str) -> Feedback:
    return Feedback(
        **read_label(item, field),
        turn=integer(required(item, "turn"), f"{field}.turn"),
        kind=optional_text(item, "kind", f"{field}.kind"),
        label=optional_text(item, "label", f"{field}.label"),
        text=None if item.get("text") is None else text(item["text"], f"{field}.text"),
    )


def without_gaps(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def write_label(label: Label) -> dict[str, Any]:
    who = label.annotator
    named = {"annotator": who.name, "annotator_kind": who.kind} if who else {}
    return without_gaps({**named, "aspect": label.aspect, "rationale": label.rationale})


def write_response(response: Response) -> dict[str, Any]:
    names = ("id", "text", "messages", "uri", "model", "scores")
    return without_gaps({name: getattr(response, name) for name in names})


def write_comparison(label: Comparison) -> dict[str, Any]:
    own = {"strength": label.strength, "shown": label.shown}
    return without_gaps(
        {"a": label.a, "b": label.b, "outcome": label.outcome.value, **write_label(label), **own}
    )


def write_rating(label: Rating) -> dict[str, Any]:
    scale = None if label.scale is None else list(label.scale)
    own = {"response": label.response, "turn": label.turn, "value": label.value, "scale": scale}
    return without_gaps({**own, **write_label(label)})
