"""Cuts JSON text at its outermost commas and brackets, in memory bounded by one element."""

import re
from collections.abc import Callable, Iterator

BLOCK = 1 << 20
BEGUN = 1 << 10
BETWEEN = re.compile(rb'["{}\[\],]')  # what matters between elements
INSIDE = re.compile(rb'["{}\[\]]')  # and inside one
STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)  # the rest of a string


class Cutter:
    """Finds where elements begin and end, without reading them.

    `begun`: the first bytes of the last element that was too long.
    `closed`: the bracket that ends the container was passed; `ended`: so was the file's last byte.
    """

    def __init__(self, read: Callable[[int], bytes], limit: int) -> None:
        self.read, self.limit = read, limit
        self.buffer, self.begin, self.at = b"", 0, 0
        self.depth, self.quoted, self.too_long = 0, False, False
        self.begun = b""
        self.closed = self.ended = False

    def elements(self, *, commas: bool = True) -> Iterator[bytes | None]:
        """What stands between commas, up to the container's end; None for more than `limit` bytes.

        Without `commas`: objects or lists one after another, up to the end of the file.
        """
        self.closed = False
        while token := self.token(commas=commas):
            if token in b"{[":
                self.depth += 1
            elif token == b",":
                yield self.element(self.at - 1)
            elif self.depth == 0:
                self.closed = True
                yield self.element(self.at - 1)
                return
            else:
                self.depth -= 1
                if self.depth == 0 and not commas:
                    yield self.element(self.at)
        self.ended = True
        yield self.element(len(self.buffer))

    def token(self, *, commas: bool) -> bytes | None:
        """The next bracket, or comma between elements; None at the end of the file."""
        while True:
            pattern = BETWEEN if commas and self.depth == 0 else INSIDE
            if self.quoted:
                said = STRING.match(self.buffer, self.at)
                self.at = said.end() if said else self.at
                if self.buffer[self.at : self.at + 1] == b'"':  # else the string goes on
                    self.at += 1
                    self.quoted = False
                    continue
            elif found := pattern.search(self.buffer, self.at):
                self.at = found.end()
                if found[0] != b'"':
                    return found[0]
                self.quoted = True
                continue
            else:
                self.at = len(self.buffer)
            if not self.more():
                return None

    def more(self) -> bool:
        """Read on; what is too long to be an element is not held."""
        if self.at - self.begin > self.limit:
            if not self.too_long:
                self.begun = self.buffer[self.begin : self.begin + BEGUN]
            self.too_long, self.begin = True, self.at
        block = self.read(BLOCK)
        self.buffer = self.buffer[self.begin :] + block
        self.at -= self.begin
        self.begin = 0
        return bool(block)

    def element(self, end: int) -> bytes | None:
        """What was passed since the last one, up to `end`."""
        long = self.too_long or end - self.begin > self.limit
        if long and not self.too_long:
            self.begun = self.buffer[self.begin : self.begin + BEGUN]
        raw = None if long else self.buffer[self.begin : end]
        self.begin, self.too_long = self.at, False
        return raw

    def skip(self, count: int) -> None:
        while len(self.buffer) < count and self.more():
            pass
        self.begin = self.at = count

    def rest_is_blank(self) -> bool:
        rest = self.buffer[self.at :]
        while not rest.strip():
            if not (rest := self.read(BLOCK)):
                return True
        return False
