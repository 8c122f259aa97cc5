"""Classes of pairs that selectors ask for by name: source, language, model pair, any metadata."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Select, String, Text, and_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from service.columns import STREAMED
from service.filters.fields import metadata
from service.tables.datasets import Upload
from service.tables.items import Response
from service.tables.labels import Annotator, Comparison
from service.tables.pairs import Pair, PairBuild

META = "meta."
DIGITS = 16  # of a file's sha256, as in an export's `source`
Chosen, Rejected = aliased(Response), aliased(Response)
BETWEEN = or_(
    and_(Comparison.a == Pair.chosen_id, Comparison.b == Pair.rejected_id),
    and_(Comparison.a == Pair.rejected_id, Comparison.b == Pair.chosen_id),
)
WHO = and_(Annotator.dataset_id == Comparison.dataset_id, Annotator.id == Comparison.annotator_id)


class FieldEntry(NamedTuple):
    """`value` is text by pair, NULL where unknown."""

    meaning: str
    value: Callable[[], Any]


def text_of(value: Any) -> Any:
    """A JSON value as text, without quotes."""
    return value.op("#>>")(cast(literal("{}"), ARRAY(Text)))


def said(*keys: str) -> Any:
    """The first of these keys that the pair's line says."""
    return func.coalesce(*(text_of(metadata(key.split("."))) for key in keys), literal(None, Text))


def of_comparisons(value: Any) -> Any:
    """The distinct values of the comparisons of these two responses on the pair's line, by name."""
    together = func.string_agg(value.distinct(), aggregate_order_by(literal("+"), value))
    found = select(together).select_from(Comparison).outerjoin(Annotator, WHO)
    here = and_(Comparison.upload_id == Pair.upload_id, Comparison.line == Pair.line, BETWEEN)
    return found.where(here).correlate(Pair).scalar_subquery()


def of_policy() -> Any:
    """The aspects that the pair's policy reads."""
    build = PairBuild.policy
    aspects = func.coalesce(
        build.op("#>")(cast(literal("{by,aspects}"), ARRAY(Text))), build["aspects"]
    )
    names = func.jsonb_array_elements_text(
        case((func.jsonb_typeof(aspects) == "array", aspects), else_=None)
    ).column_valued("name")
    several = select(func.string_agg(names, literal("+"))).scalar_subquery()
    one = build.op("#>>")(cast(literal("{by,aspect}"), ARRAY(Text)))
    query = select(func.coalesce(several, one)).where(PairBuild.id == Pair.build_id)
    return query.correlate(Pair).scalar_subquery()


def model_pair() -> Any:
    first = func.least(Chosen.model, Rejected.model)
    both = and_(Chosen.model.is_not(None), Rejected.model.is_not(None))
    names = first.concat(" vs ").concat(func.greatest(Chosen.model, Rejected.model))
    return case((both, names), else_=None)


FIELDS: dict[str, FieldEntry] = {
    "source": FieldEntry(
        "what the line says of its source, else the file's name",
        lambda: func.coalesce(said("source"), Upload.filename),
    ),
    "upload": FieldEntry(
        "first 16 digits of the file's sha256",
        lambda: func.left(func.encode(Upload.sha256, "hex"), DIGITS),
    ),
    "layout": FieldEntry("layout of the file", lambda: Upload.layout),
    "language": FieldEntry("what the line says (language, lang)", lambda: said("language", "lang")),
    "model_pair": FieldEntry("the two models, by name, as `a vs b`", model_pair),
    "aspect": FieldEntry(
        "of the pair's comparisons, else of the policy that built it; several as `a+b`",
        lambda: func.coalesce(of_comparisons(Comparison.aspect), of_policy()),
    ),
    "annotator": FieldEntry(
        "who compared the two, several as `a+b`", lambda: of_comparisons(Annotator.name)
    ),
    "annotator_group": FieldEntry(
        "what the line says (annotator_group), else human, model or rule",
        lambda: func.coalesce(said("annotator_group"), of_comparisons(Annotator.kind)),
    ),
}  # fmt: skip


def load_fields(
    session: Session, dataset_id: uuid.UUID, names: Iterable[str], ids: Sequence[str]
) -> dict[str, list[str]]:
    """Columns in the order of the pairs' ids, "" where unknown. Left out: names that nothing here
    knows, and those that no pair has (a selector names them as degraded)."""
    known = [name for name in dict.fromkeys(names) if expression(name) is not None]
    if not known:
        return {}
    rows = session.execute(columns(dataset_id, known).execution_options(yield_per=STREAMED))
    found: dict[str, Sequence[Any]] = {row[0]: row[1:] for row in rows}
    empty = [None] * len(known)
    table = [found.get(name, empty) for name in ids]
    loaded = {name: [row[place] or "" for row in table] for place, name in enumerate(known)}
    return {name: column for name, column in loaded.items() if any(column)}


def expression(name: str) -> Any:
    """The text of a field by pair; None where there is no such field."""
    if name in FIELDS:
        return FIELDS[name].value()
    keys = name.removeprefix(META).split(".")
    return said(".".join(keys)) if name.startswith(META) and all(keys) else None


def columns(dataset_id: uuid.UUID, names: Sequence[str]) -> Select[Any]:
    """The ids of all pairs with these fields."""
    query: Any = select(cast(Pair.id, String), *(expression(name) for name in names))
    query = query.select_from(Pair).join(Upload, Upload.id == Pair.upload_id)
    for table, id in ((Chosen, Pair.chosen_id), (Rejected, Pair.rejected_id)):
        query = query.join(table, and_(table.dataset_id == Pair.dataset_id, table.id == id))
    return query.where(Pair.dataset_id == dataset_id)
