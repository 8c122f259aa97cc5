"""Prompts that are in more than one split, found while the rows pass by."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from curation.text import content_text
from service.formats.record import Message


class Leaks:
    """Holds a hash a prompt and a beginning of a dialogue, nothing else."""

    def __init__(self) -> None:
        self.exact: dict[bytes, str] = {}
        self.alike: dict[bytes, str] = {}
        self.beginnings: dict[bytes, dict[str, str]] = {}

    def check(self, split: str, prompt: Sequence[Message], name: str) -> Iterator[str]:
        """Codes of what is wrong with this row, given those before it."""
        texts = [content_text(message.get("content")) for message in prompt]
        if self.exact.setdefault(digest(*texts), split) != split:
            yield "leak"
        elif self.alike.setdefault(digest(*map(folded, texts)), split) != split:
            yield "near_leak"
        for length in range(1, len(texts)):
            self.beginnings.setdefault(digest(*texts[:length]), {}).setdefault(split, name)

    def continued(self) -> Iterator[str]:
        """Rows whose prompt goes on from a whole prompt of another split, one a beginning."""
        for beginning, names in self.beginnings.items():
            split = self.exact.get(beginning)
            if split is not None:
                yield from (name for other, name in names.items() if other != split)


def folded(text: str) -> str:
    """Without regard to case and spacing."""
    return " ".join(text.casefold().split())


def digest(*texts: str) -> bytes:
    """12 bytes keep a billion texts apart."""
    said = "\0".join(texts).encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=12).digest()
