"""The tables of `prefsift query`."""

import io

from rich.console import Console

from service.cli.query import columns


def test_chosen_fields_are_columns_and_an_id_is_shown_whole() -> None:
    pair_id = "bd122639-c2f0-a636-33cd-917a12d00000"
    found = [{"pair_id": pair_id, "chosen.model": None, "votes": 3, "prompt": "[bold]x\ny[/bold]"}]
    screen = io.StringIO()
    Console(file=screen, width=100).print(columns(found, [*found[0]]))
    header, row = screen.getvalue().splitlines()
    assert header.split() == ["pair_id", "chosen.model", "votes", "prompt"]
    assert row.split(maxsplit=3) == [pair_id, "null", "3", "[bold]x y[/bold]"]
