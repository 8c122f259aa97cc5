"""Whatever a row holds, a layout reads it or says what is wrong with it."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.formats import FORMATS, RowError, recognise
from service.formats.fields import Cell
from service.formats.record import Record
from tests.service.formats.test_conformance import rows_of

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False)
KEYS = st.sampled_from(["role", "content", "from", "value", "rank"])
JSON = st.recursive(
    SCALARS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
CELLS = st.sampled_from(['["a"]', "{}", "[[]]", "1e999", "x"]).map(Cell)
VALUES = JSON | CELLS


@pytest.mark.parametrize("name", FORMATS)
@settings(suppress_health_check=[HealthCheck.too_slow])  # the first row takes the imports' time
@given(data=st.data())
def test_a_wrong_row_is_a_row_error_and_nothing_else(name: str, data: st.DataObject) -> None:
    """A row of the layout's own, with some values replaced, and one gone."""
    rows = rows_of(name)
    row = dict(data.draw(st.sampled_from(rows)))
    keys = st.sampled_from(sorted(row))
    row |= data.draw(st.dictionaries(keys, VALUES, max_size=3))
    for key in data.draw(st.sets(keys, max_size=1)):
        del row[key]
    recognise([row])
    try:
        records = FORMATS[name].read_all(row)
    except RowError:
        return
    for record in records:
        check(record)
        for layout in FORMATS.values():
            with suppress(RowError):
                layout.write(record)


def check(record: Record) -> None:
    """Labels are about responses that are there."""
    ids = [response.id for response in record.responses]
    assert len(set(ids)) == len(ids)
    about = {id for label in record.comparisons for id in (label.a, label.b)}
    about |= {label.response for label in record.ratings if label.response is not None}
    about |= {id for label in record.rankings for tier in label.tiers for id in tier}
    assert about <= set(ids)
