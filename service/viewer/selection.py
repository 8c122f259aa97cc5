"""The columns that `fields=` names: those of a row, and all that a filter may name."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from psycopg.sql import Literal
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased
from sqlalchemy.sql.util import ClauseAdapter

from service.errors import Invalid
from service.filters.fields import METADATA, SHORT, Catalogue, Entry, Tables
from service.tables.pairs import Pair
from service.tables.viewer import Snapshot
from service.viewer.fields import Field, Kind
from service.viewer.snapshots import fields_of

MOST = 64  # columns
NEAR = 0.6  # of two names, how alike they are
KINDS: dict[str, Kind] = {"number": "float64", "text": "string"}
# Larger than a double is exact for.
POSITION = Field("position", "int64", "pair.position", "order of the lines")
# What a line said besides, as in `service.filters.fields.metadata`.
SAID = """(SELECT coalesce(record.extra #> {inside}, record.extra #> {beside}) FROM records record
WHERE record.upload_id = pair.upload_id AND record.line = pair.line
AND record.prompt_id = pair.prompt_id ORDER BY record.part LIMIT 1)"""
DIALECT = postgresql.dialect(paramstyle="named")


def choose(snapshot: Snapshot, names: str | Sequence[str] | None) -> Sequence[Field]:
    """The columns of these names, in their order; those of a row for None. Raises Invalid."""
    own = {found.name: found for found in fields_of(snapshot)}
    if names is None:
        return tuple(own.values())
    listed = names.split(",") if isinstance(names, str) else names
    wanted = list(dict.fromkeys(name.strip() for name in listed))
    if len(wanted) > MOST:
        raise Invalid(f"at most {MOST} fields", code="too_many_fields", field="fields")
    known = own | {POSITION.name: POSITION}
    entries = Catalogue(snapshot.scores).listed()
    return [chosen(name, known, entries)._replace(name=name) for name in wanted]


def chosen(name: str, known: Mapping[str, Field], entries: Mapping[str, Entry]) -> Field:
    path = SHORT.get(name, name)
    for found in (name, path):
        if found in known:
            return known[found]
    if path in entries:
        return of_filters(name, entries[path])
    keys = path.removeprefix(METADATA).split(".")
    if path.startswith(METADATA) and all(keys) and storable(path):
        said = SAID.format(inside=quoted(["metadata", *keys]), beside=quoted(keys))
        return Field(name, "json", f"nullif({said}, 'null')", "what the line said")
    near = get_close_matches(name, sorted({*known, *entries, *SHORT}), 3, NEAR)
    hint = f"; near: {', '.join(near)}" if near else ""
    raise Invalid(f"there is no field {name!r}{hint}", code="unknown_field", field=name, near=near)


def of_filters(name: str, entry: Entry) -> Field:
    """The value that filters compare, as a column of `service.viewer.blocks`, which calls the
    tables as filters do, but a pair `pair`."""
    adapter: Any = ClauseAdapter(aliased(Pair.__table__, name="pair"))
    value = adapter.traverse(entry.value(Tables()).expression)
    sql = str(value.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    return Field(name, KINDS[entry.kind], sql, entry.meaning)


def storable(path: str) -> bool:
    return "\x00" not in path and not any("\ud800" <= each <= "\udfff" for each in path)


def quoted(keys: Sequence[str]) -> str:
    """A text[] that stands in a statement."""
    return Literal(list(keys)).as_string()
