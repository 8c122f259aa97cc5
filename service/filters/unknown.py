"""What to say of a field that is not there: those near it, or why it is missing here."""

from collections.abc import Iterable
from difflib import get_close_matches

from curation.signals import SIGNALS
from service.filters.tree import BadFilter, Field

NEAR = 0.6  # of difflib's ratio, 0..1
MOST = 3  # fields that are named
# What is said inside ANY and ALL only: of a judgment, and no field of the pair.
OF_JUDGMENT = (
    "label", "outcome", "aspect", "strength", "rationale", "shown", "annotator.name",
    "annotator.kind",
)  # fmt: skip


def unknown(found: Field, names: Iterable[str]) -> BadFilter:
    near = get_close_matches(found.path, sorted(names), MOST, NEAR)
    line, column = found.at or (None, None)
    return BadFilter(
        f"there is no field {found.path!r}; {hint(found.path, near)}",
        code="unknown_field", field=found.path, near=near, line=line, column=column,
    )  # fmt: skip


def hint(path: str, near: list[str]) -> str:
    signal = path.partition(".")[0]
    if path in OF_JUDGMENT:
        return f"a judgment has it: ANY(judgment, {path} = …)"
    if signal in SIGNALS:
        return f"the dataset has no scores of {signal} yet: score it, or select by a recipe with it"
    if near:
        return f"near: {', '.join(near)}"
    listed = "`prefsift query DATASET --list-fields` (GET …/pairs/fields) lists the fields"
    return f"{listed}, and a text stands in 'single' quotes"
