"""Answers with a label of their own: each (prompt, completion) once, as most rows say."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator

import orjson

from service.export.layout import Row


def once(rows: Iterable[Row], label: str) -> Iterator[Row]:
    """The first row of each answer, with the label that most of its rows have (C10).

    An answer with as many good as bad rows says nothing and is left out: the middle of a ranking
    is chosen in one pair and rejected in the next. Rows wait in a file; memory is a hash an answer.
    """
    net: Counter[bytes] = Counter()
    with tempfile.TemporaryFile() as waiting:
        for row in rows:
            said = {name: value for name, value in row.values.items() if name != label}
            key = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()[:16]
            if key not in net:
                line = {"key": key.hex(), "values": row.values, "origin": dict(row.origin)}
                waiting.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            net[key] += 1 if row.values[label] else -1
        waiting.seek(0)
        for line in waiting:
            first = orjson.loads(line)
            balance = net[bytes.fromhex(first["key"])]
            if balance:
                yield Row(first["values"] | {label: balance > 0}, first["origin"])
