"""`--map our-column=their-column`, repeated."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

Columns = Annotated[
    list[str] | None, typer.Option("--map", help="our-column=their-column; repeatable.")
]


def mapping_of(column: Sequence[str] | None) -> dict[str, str]:
    """{our column: theirs}. Half a pair, or one of ours twice, is wrong usage."""
    pairs = [each.partition("=") for each in column or ()]
    if not all(ours and theirs for ours, _, theirs in pairs):
        raise typer.BadParameter("give our-column=their-column", param_hint="--map")
    mapping = {ours: theirs for ours, _, theirs in pairs}
    if len(mapping) < len(pairs):
        raise typer.BadParameter("a column of ours has two of theirs", param_hint="--map")
    return mapping


def in_words(mapping: Mapping[str, str]) -> str:
    """The options that give this mapping, for a shell."""
    return " ".join(f"--map {shlex.quote(f'{o}={t}')}" for o, t in mapping.items())
