"""A record -> rows of the tables: items by content id, raw labels, decided pairs."""

import uuid
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from service.formats.record import Label, Record, Response, RowError
from service.ingest import identity
from service.ingest.copying import (
    NULL,
    Chunk,
    bytes_field,
    float_field,
    id_field,
    integer_field,
    json_field,
    small_field,
    text_field,
)
from service.ingest.judging import Decision, decide
from service.ingest.plain import Plain, is_plain
from service.tables.pairs import POSITION_ORDINAL_BITS, position

MAX_PAIRS = 1 << POSITION_ORDINAL_BITS  # of one row
MAX_PARTS = 1 << 15  # records of one row
IMPLIED_NAMES = ("chosen", "rejected")  # of the responses of a lone comparison


class Place:
    """Where rows come from: an upload of a dataset, and its encoded ids.

    Without `decide` the labels are stored and no pair is made of them.
    """

    def __init__(
        self, dataset_id: uuid.UUID, upload_id: uuid.UUID, ordinal: int, sha256: bytes,
        *, decide: bool = True,
    ) -> None:  # fmt: skip
        self.ordinal, self.sha256, self.decide = ordinal, sha256, decide
        self.dataset = id_field(dataset_id.bytes)
        self.upload = id_field(upload_id.bytes)
        self.plain = Plain(self.dataset, self.upload, ordinal, sha256)


class Line:
    """A line of the upload while its records are added: what was counted so far."""

    def __init__(self, number: int) -> None:
        self.number, self.field = number, integer_field(number)
        self.part = self.pairs = 0
        self.ordinals: Counter[str] = Counter()


def add_line(chunk: Chunk, place: Place, records: Sequence[Record], number: int) -> int:
    """Add the rows of a line's records to the chunk; the number of their pairs."""
    if len(records) == 1 and place.decide and is_plain(records[0]):
        place.plain.add(chunk, records[0], number)
        return 1
    line = Line(number)
    decided = [(record, decide(record) if place.decide else []) for record in records]
    count = sum(len(decisions) for _, decisions in decided)
    if count > MAX_PAIRS:
        detail = f"{count} pairs in one row, more than {MAX_PAIRS}"
        raise RowError("too_many_pairs", detail, "comparisons")
    if len(decided) > MAX_PARTS:
        raise RowError("too_many_prompts", f"more than {MAX_PARTS} prompts in one row")
    for record, decisions in decided:
        add_record(chunk, place, line, record, decisions)
        line.part += 1
    return count


def add_record(
    chunk: Chunk, place: Place, line: Line, record: Record, decisions: Sequence[Decision]
) -> None:
    """Items, the record that names them, its labels and its pairs."""
    messages = identity.canonical(record.messages)
    prompt = identity.content_id(b"prompt", messages)
    at_prompt = id_field(prompt)
    chunk.add_shared(
        "prompts", prompt,
        place.dataset, at_prompt, text_field(record.modality), json_field(messages),
    )  # fmt: skip
    ids, contents = add_responses(chunk, place, record, prompt)
    chunk.add(
        "records",
        place.upload, line.field, small_field(line.part), place.dataset, at_prompt,
        text_field(record.record_id),
        json_field(None if names_implied(record) else response_names(record, ids)),
        json_field(identity.canonical(record.gold) if record.gold else None),
        json_field(identity.canonical(record.extra) if record.extra else None),
    )  # fmt: skip
    add_labels(chunk, place, line, record, ids)
    for chosen, rejected, votes, agreement, margin, soft_label in decisions:
        better, worse = ids[chosen], ids[rejected]
        content = identity.pair_content_id(prompt, contents[chosen], contents[rejected])
        chunk.add(
            "pairs",
            place.dataset,
            id_field(identity.pair_id(place.sha256, line.number, line.pairs, better, worse)),
            integer_field(position(place.ordinal, line.number, line.pairs)),
            at_prompt, id_field(better), id_field(worse), id_field(content),
            place.upload, line.field, integer_field(votes), float_field(agreement),
            float_field(margin), float_field(soft_label),
        )  # fmt: skip
        line.pairs += 1


def names_implied(record: Record) -> bool:
    """Whether the lone comparison tells the responses' names, as it does in most rows."""
    if len(record.comparisons) != 1 or len(record.responses) != 2:
        return False
    if record.ratings or record.rankings or record.comparisons[0].annotator is not None:
        return False
    label = record.comparisons[0]
    return (label.a, label.b) == IMPLIED_NAMES and all(
        response.id == name and not response.scores
        for response, name in zip(record.responses, IMPLIED_NAMES, strict=True)
    )


def response_names(record: Record, ids: dict[str, bytes]) -> bytes:
    """What the line called its responses, in its order, with the scores that came with them."""
    return identity.canonical(
        [
            {
                "id": response.id,
                "response_id": str(uuid.UUID(bytes=ids[response.id])),
                "scores": response.scores,
            }
            for response in record.responses
        ]
    )


def add_responses(
    chunk: Chunk, place: Place, record: Record, prompt: bytes
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Response ids and hashed contents, by the record's own names."""
    ids: dict[str, bytes] = {}
    contents: dict[str, bytes] = {}
    twins: Counter[bytes] = Counter()
    at_prompt = id_field(prompt)
    for response in record.responses:
        text = None if response.text is None else response.text.encode()
        content = content_digest(response, text)
        key = content + (response.model or "").encode()
        id = identity.response_id(prompt, content, response.model, twins[key])
        twins[key] += 1
        turns = None if response.messages is None else identity.canonical(response.messages)
        chunk.add_shared(
            "responses", id,
            place.dataset, id_field(id), at_prompt, NULL if text is None else bytes_field(text),
            json_field(turns),
            text_field(response.uri), text_field(response.model),
        )  # fmt: skip
        ids[response.id], contents[response.id] = id, content
    return ids, contents


def content_digest(response: Response, text: bytes | None) -> bytes:
    """16 bytes that say what the response says; long texts are hashed once."""
    if text is not None and response.messages is None and response.uri is None:
        said = b"text" + text
    else:
        said = b"json" + identity.canonical(response.content())
    return blake2b(said, digest_size=16).digest()


def add_labels(
    chunk: Chunk, place: Place, line: Line, record: Record, ids: dict[str, bytes]
) -> None:
    """The raw judgments, as they were given."""

    def provenance(kind: str, label: Label) -> bytes:
        ordinal = line.ordinals[kind]
        line.ordinals[kind] = ordinal + 1
        at = place.upload + line.field + integer_field(ordinal) + small_field(line.part)
        said = text_field(label.aspect) + text_field(label.rationale)
        return at + place.dataset + add_annotator(chunk, place, label) + said

    for label in record.comparisons:
        chunk.add(
            "comparisons",
            provenance("comparisons", label), id_field(ids[label.a]), id_field(ids[label.b]),
            text_field(label.outcome.value), float_field(label.strength), text_field(label.shown),
        )  # fmt: skip
    for label in record.ratings:
        low, high = label.scale or (None, None)
        chunk.add(
            "ratings",
            provenance("ratings", label),
            id_field(None if label.response is None else ids[label.response]),
            integer_field(label.turn), float_field(label.value),
            float_field(low), float_field(high),
        )  # fmt: skip
    for label in record.rankings:
        tiers = [[str(uuid.UUID(bytes=ids[id])) for id in tier] for tier in label.tiers]
        chunk.add("rankings", provenance("rankings", label), json_field(identity.canonical(tiers)))
    for label in record.feedback:
        chunk.add(
            "feedback",
            provenance("feedback", label), integer_field(label.turn), text_field(label.kind),
            text_field(label.label), text_field(label.text),
        )  # fmt: skip


def add_annotator(chunk: Chunk, place: Place, label: Label) -> bytes:
    """The annotator's encoded id, its row added; NULL for a label that names none."""
    if label.annotator is None:
        return NULL
    name, kind = label.annotator
    id = identity.annotator_id(kind, name)
    chunk.add_shared(
        "annotators", id, place.dataset, id_field(id), text_field(name), text_field(kind)
    )
    return id_field(id)
