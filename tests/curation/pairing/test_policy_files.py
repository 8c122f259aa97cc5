"""What is wrong in a file of a pair policy is said with its line and field."""

import pytest

from curation.pairing import load
from curation.pairing.catalogue import parse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: mine\nkind: currry\n", "mine.yaml line 1: there is no kind 'currry'; near: curry"),
        ("id: mine\ntitle: x\n", "it names no kind"),
        ("kind: all_pairs\nmin_gap: -1\n", "mine.yaml line 2, min_gap: -1 is wrong: it should be"),
        ("kind: all_pairs\ngap: 1\n", "mine.yaml line 2, gap: there is no such field"),
    ],
)
def test_a_wrong_field_is_said_where_it_stands(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="mine") as error:
        parse(text, "mine.yaml")
    assert said in str(error.value)
    assert "pydantic" not in str(error.value)


def test_a_name_that_is_nearly_one_is_corrected() -> None:
    with pytest.raises(ValueError, match="there is no pair policy 'majorty'; near: majority"):
        load("majorty")
