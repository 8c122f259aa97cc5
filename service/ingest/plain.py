"""Rows of the plainest record: two texts of which one was chosen, as in most files of pairs.

The same rows as `service.ingest.normalise` makes of it, put together from few pieces.
"""

from hashlib import blake2b

from service.formats.record import Comparison, Record
from service.ingest import identity
from service.ingest.copying import (
    HEADERS,
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
from service.tables.labels import Outcome
from service.tables.pairs import position

CHOSEN = Comparison(a="chosen", b="rejected", outcome=Outcome.a)  # nothing else is said
ID = id_field(bytes(16))[:4]  # in front of an id
PROMPT, RESPONSE, RECORD = HEADERS["prompts"], HEADERS["responses"], HEADERS["records"]
COMPARISON, PAIR = HEADERS["comparisons"], HEADERS["pairs"]
MODALITY = text_field("text")
TEXT_ONLY = NULL * 3  # no messages, address or model
FIRST_PART = small_field(0)
NAMES_IMPLIED = NULL * 4  # no id of its own, names, gold or extra
FIRST_LABEL = integer_field(0) + FIRST_PART
ANONYMOUS = NULL * 3  # no annotator, aspect or rationale
A_IS_BETTER = text_field("a") + NULL * 2
LONE_VOTE = integer_field(1) + float_field(1.0) + NULL + float_field(1.0)


def is_plain(record: Record) -> bool:
    """Whether `add_plain` says all of the record."""
    if len(record.responses) != 2 or len(record.comparisons) != 1 or record.extra or record.gold:
        return False
    one, two = record.responses
    return (
        record.comparisons[0] == CHOSEN
        and (one.id, two.id) == ("chosen", "rejected")
        and one.text is not None
        and two.text is not None
        and one.text != two.text
        and (one.messages, one.uri, one.model, one.scores) == (None,) * 4
        and (two.messages, two.uri, two.model, two.scores) == (None,) * 4
        and not (record.ratings or record.rankings or record.feedback)
        and record.record_id is None
        and record.modality == "text"
    )


class Plain:
    """Adds plain records of an upload to chunks; `dataset` and `upload` are encoded ids."""

    def __init__(self, dataset: bytes, upload: bytes, ordinal: int, sha256: bytes) -> None:
        self.dataset, self.upload, self.ordinal, self.sha256 = dataset, upload, ordinal, sha256
        self.prompt, self.response = PROMPT + dataset + ID, RESPONSE + dataset + ID
        self.record, self.comparison = RECORD + upload, COMPARISON + upload
        self.in_record = FIRST_PART + dataset
        self.in_comparison = FIRST_LABEL + dataset + ANONYMOUS
        self.pair = PAIR + dataset + ID

    def add(self, chunk: Chunk, record: Record, number: int) -> None:
        """The rows of a record that `is_plain` and alone on its line."""
        messages = identity.canonical(record.messages)
        prompt = identity.content_id(b"prompt", messages)
        at_prompt = ID + prompt
        prompts = chunk.shared["prompts"]
        if prompt not in prompts:
            row = (self.prompt, prompt, MODALITY, json_field(messages))
            prompts[prompt] = b"".join(row)
        one, two = record.responses
        better, chosen = self.add_text(chunk, one.text or "", prompt)
        worse, rejected = self.add_text(chunk, two.text or "", prompt)
        line, rows = integer_field(number), chunk.rows
        both = b"".join((ID, better, ID, worse))
        rows["records"].append(
            b"".join((self.record, line, self.in_record, at_prompt, NAMES_IMPLIED))
        )
        rows["comparisons"].append(
            b"".join((self.comparison, line, self.in_comparison, both, A_IS_BETTER))
        )
        id = identity.pair_id(self.sha256, number, 0, better, worse)
        content = identity.pair_content_id(prompt, chosen, rejected)
        at = integer_field(position(self.ordinal, number, 0))
        pair = (self.pair, id, at, at_prompt, both, ID, content, self.upload, line, LONE_VOTE)
        rows["pairs"].append(b"".join(pair))

    def add_text(self, chunk: Chunk, text: str, prompt: bytes) -> tuple[bytes, bytes]:
        """The response's id and the hash of its text."""
        said = text.encode()
        content = blake2b(b"text" + said, digest_size=16).digest()
        id = identity.response_id(prompt, content, None, 0)
        responses = chunk.shared["responses"]
        if id not in responses:
            row = (self.response, id, ID, prompt, bytes_field(said), TEXT_ONLY)
            responses[id] = b"".join(row)
        return id, content
