"""What else a record brings: scores, log-probabilities, its topic, ratings of single responses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from curation.audit.questions import Voice
from curation.text import render
from service.audit.judgments import UNNAMED, text_of
from service.formats.record import Record, Response

# Sums of token log-probabilities under the policy and under the reference, as trainers name them.
POLICY, REFERENCE = "logps", "ref_logps"
LOGPS = {
    "logps": POLICY, "policy_logps": POLICY, "ref_logps": REFERENCE, "reference_logps": REFERENCE,
}  # fmt: skip
COLUMNS = {
    (f"{prefix}{side}_logps"): (side, name)
    for side in ("chosen", "rejected")
    for prefix, name in (
        ("", POLICY), ("policy_", POLICY), ("ref_", REFERENCE), ("reference_", REFERENCE),
    )
}  # fmt: skip
SOURCES = ("passages", "sources", "documents", "evidence", "contexts", "context", "knowledge")
REFERENCES = ("reference", "reference_answer", "gold_answer", "ideal", "references")
TOPICS = ("topic", "category", "domain", "subset", "task")


class Rated(NamedTuple):
    """One rating. `thing` is what was rated (a response, a turn, a dialogue); `response` its text
    or address, None where it is no response."""

    voice: Voice
    kind: str
    prompt: str
    response: str | None
    thing: tuple[str, ...]
    value: float
    scale: tuple[float, float] | None


def scores(record: Record, response: Response) -> dict[str, float]:
    """By name; log-probabilities have the names `logps` and `ref_logps`."""
    found = {LOGPS.get(name, name): value for name, value in (response.scores or {}).items()}
    for column, (side, name) in COLUMNS.items():
        value: Any = record.extra.get(column)
        if side == response.id and isinstance(value, int | float) and not isinstance(value, bool):
            found.setdefault(name, float(value))
    return found


def topic(record: Record) -> str:
    """As the record's own columns or its metadata name it; "" where they don't."""
    metadata: Any = record.extra.get("metadata")
    sources: list[Mapping[str, Any]] = [record.extra]
    if isinstance(metadata, dict):
        sources.append(metadata)  # pyright: ignore[reportUnknownArgumentType]
    for name in TOPICS:
        for source in sources:
            if isinstance(source.get(name), str) and source[name]:
                return source[name]
    return ""


def grounds(record: Record) -> dict[str, str]:
    """What a response can be held against, as the record's own columns give it; "" without."""
    named = {"sources": SOURCES, "reference": REFERENCES}
    return {kind: "\n\n".join(said(first(record, names))) for kind, names in named.items()}


def first(record: Record, names: Iterable[str]) -> Any:
    """Of these columns, what the first one that is not empty holds."""
    return next((record.extra[name] for name in names if record.extra.get(name)), None)


def said(value: Any) -> list[str]:
    """Every text in lists and objects, in their order."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list):
        return [text for each in value for text in said(each)]  # pyright: ignore[reportUnknownVariableType]
    return []


def ratings(record: Record) -> Iterator[Rated]:
    by_id = {response.id: response for response in record.responses}
    prompt = render(record.messages)
    for label in record.ratings:
        name, kind = label.annotator or (UNNAMED, "unnamed")
        response = by_id.get(label.response or "")
        said = None if response is None else response.uri or text_of(response)
        turn = "" if label.turn is None else str(label.turn)
        whose = (record.record_id or prompt) if said is None else prompt
        yield Rated(
            Voice(name, label.aspect, "rating"), kind, prompt,
            None if turn else said, (whose, said or "", turn), label.value, label.scale,
        )  # fmt: skip
