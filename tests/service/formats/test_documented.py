"""The documentation lists every layout."""

import re
from pathlib import Path

from service.formats import FORMATS

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


def test_every_layout_has_a_row_in_the_documentation() -> None:
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE.read_text(), re.MULTILINE)
    documented = {name for row in named for name in re.findall(r"\w+", row)}
    assert FORMATS.keys() <= documented
