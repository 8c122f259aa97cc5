"""What humans decided on review: an overlay with author, reason and version; nothing is lost."""

from dataclasses import dataclass
from typing import NamedTuple

from curation.consensus.votes import TIE, A, B


class Verdict(NamedTuple):
    """`said` of the pair `item`: A, B, or TIE where it can't be told."""

    item: int
    said: int
    author: str
    reason: str = ""


class Entry(NamedTuple):
    """A verdict, or the undoing of the version `undoes`. Versions count from 1."""

    version: int
    verdict: Verdict
    undoes: int | None = None


@dataclass(frozen=True)
class Overlay:
    """Append-only; each change gives a new overlay and leaves this one as it is."""

    entries: tuple[Entry, ...] = ()

    @property
    def version(self) -> int:
        return len(self.entries)

    def add(self, verdict: Verdict) -> "Overlay":
        if verdict.said not in (A, B, TIE):
            raise ValueError("a verdict says a, b or tie")
        return Overlay((*self.entries, Entry(self.version + 1, verdict)))

    def undo(self, version: int, author: str, reason: str = "") -> "Overlay":
        """Takes one verdict back, not necessarily the last. ValueError where none stands."""
        standing = {entry.version: entry for entry in self.in_force()}
        if version not in standing:
            raise ValueError(f"no verdict of version {version} is in force")
        taken_back = standing[version].verdict._replace(author=author, reason=reason)
        return Overlay((*self.entries, Entry(self.version + 1, taken_back, version)))

    def at(self, version: int) -> "Overlay":
        """As it was."""
        return Overlay(self.entries[:version])

    def in_force(self) -> tuple[Entry, ...]:
        undone = {entry.undoes for entry in self.entries}
        return tuple(
            entry for entry in self.entries if entry.undoes is None and entry.version not in undone
        )
