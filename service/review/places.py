"""Which stored items the pairs of an audit are: uploads, lines, prompts and responses by id."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.audit.collect import Place
from service.formats.record import Record
from service.ingest import identity
from service.ingest.normalise import content_digest


@dataclass
class Places:
    """Columns in the order of the audit's pairs; ids are 16 bytes each."""

    uploads: list[bytes] = field(default_factory=list[bytes])
    lines: list[int] = field(default_factory=list[int])
    prompts: list[bytes] = field(default_factory=list[bytes])
    a: list[bytes] = field(default_factory=list[bytes])
    b: list[bytes] = field(default_factory=list[bytes])

    def add(self, upload_id: uuid.UUID, record: Record, found: Sequence[Place]) -> None:
        """The pairs that a record decides."""
        if not found:
            return
        prompt = identity.prompt_id(record.messages)
        ids = response_ids(record, prompt)
        for place in found:
            self.uploads.append(upload_id.bytes)
            self.lines.append(place.line)
            self.prompts.append(prompt)
            self.a.append(ids[place.a])
            self.b.append(ids[place.b])


def response_ids(record: Record, prompt: bytes) -> dict[str, bytes]:
    """By the record's own names, as the ingest gave them."""
    ids: dict[str, bytes] = {}
    twins: Counter[bytes] = Counter()
    for response in record.responses:
        text = None if response.text is None else response.text.encode()
        content = content_digest(response, text)
        key = content + (response.model or "").encode()
        ids[response.id] = identity.response_id(prompt, content, response.model, twins[key])
        twins[key] += 1
    return ids
