"""Checks that a card says what the files of its folder give: it is written once more from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

from service.export import card, folder, record_folder, trainer_folder
from service.export.layout import Place
from service.export.shards import COLUMNS
from service.export.split_checks import Difference
from service.report.report import LabelsLine, Report

SHOWN = 3  # lines of a card that are named
DATA = "data/"


def check(
    path: Path, described: Mapping[str, Any], rows: Mapping[str, int], records: Mapping[str, Any]
) -> Iterator[Difference]:
    """`rows` of each split and the numbers of `records`, {} where pairs left, as counted now.

    The words are those of a version: a card of another one is not compared.
    """
    readme = path / folder.CARD
    if described["versions"].get("prefsift") != version("prefsift") or not readme.is_file():
        return
    made_by = BY_LAYOUT.get(described["layout"], record_card if records else pair_card)
    expected = made_by(described, rows, records).split("\n")
    found = readme.read_text("utf-8", errors="replace").split("\n")
    differing = [
        (number, said, due)
        for number, (said, due) in enumerate(zip_longest(found, expected, fillvalue=""), start=1)
        if said != due
    ]
    for number, said, due in differing[:SHOWN]:
        yield Difference(folder.CARD, f"line {number} is {said!r}; the files give {due!r}")


def whole_card(
    described: Mapping[str, Any], rows: Mapping[str, int], records: Mapping[str, Any]
) -> str:
    del records
    report = Report.model_validate(described["report"])
    splits = [split.model_copy(update={"rows": rows.get(split.name)}) for split in report.splits]
    names = [column["name"] for column in described["columns"]]
    whose = described.get("labels")
    line = None if whose is None else LabelsLine.model_validate(whose)
    return card.render(
        report.model_copy(update={"splits": tuple(splits), "labels": line}),
        described["license"],
        names[len(COLUMNS) :],
        described["uploads"],
        described.get("split"),
    )


def pair_card(
    described: Mapping[str, Any], rows: Mapping[str, int], records: Mapping[str, Any]
) -> str:
    del records
    layout = trainer_folder.layout_of(wanted(described))
    return trainer_folder.card(layout, described, place(described, [*rows]), rows)


def record_card(
    described: Mapping[str, Any], rows: Mapping[str, int], records: Mapping[str, Any]
) -> str:
    layout = record_folder.layout_of(wanted(described))
    return record_folder.card(layout, described, place(described, [*rows]), records)


BY_LAYOUT: dict[str, Callable[..., str]] = {"huggingface": whole_card}


def wanted(described: Mapping[str, Any]) -> trainer_folder.Wanted:
    return trainer_folder.Wanted(described["layout"], described["options"]["options"])


def place(described: Mapping[str, Any], splits: Sequence[str]) -> Place:
    files = {
        split: [name for name in described["files"] if name.startswith(f"{DATA}{split}")]
        for split in splits
    }
    return Place("prefsift", files, described["options"]["max_length"])
