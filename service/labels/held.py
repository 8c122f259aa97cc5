"""Counts what the records of a file hold that a recipe may need."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curation.recipes import What
from service.audit.given import scores
from service.config import settings
from service.formats import FORMATS, Format
from service.formats.record import Comparison, Record, RowError
from service.ingest.gathering import gathered
from service.ingest.judging import decide
from service.ingest.taking import layout_of, recognised
from service.reading.rows import read_rows

COLUMNS = {What.source: ("source", "dataset", "subset"), What.language: ("language", "lang")}


def of_file(path: Path, layout: str | None = None) -> Counter[What]:
    """Raises Invalid where the file has no known layout."""
    with path.open("rb") as source:
        rows = read_rows(source, path.stat().st_size, settings.max_line_bytes)
        found, rows = recognised(rows, layout)
        return of_records(records(rows, found))


def records(rows: Iterable[Any], layout: Format | None) -> Iterator[Record]:
    """Of the lines that can be read."""
    rows = iter(rows)
    for row in gathered(rows, layout) if layout else rows:
        if isinstance(row.value, RowError):
            continue
        known = layout or layout_of([row])
        if known is None:
            continue
        try:
            yield from FORMATS[known.name].read_all(row.value)
        except RowError:
            continue


def of_records(found: Iterable[Record]) -> Counter[What]:
    """How many there are of each that a dataset can hold."""
    counted: Counter[What] = Counter()
    annotators: set[object] = set()
    for record in found:
        counted.update(of_record(record))
        for labels in (record.comparisons, record.ratings, record.rankings):
            annotators |= {label.annotator for label in labels if label.annotator}
    counted[What.annotators] = len(annotators)
    return counted


def of_record(record: Record) -> dict[What, int]:
    whole = [each for each in record.ratings if each.response is not None and each.turn is None]
    thumbs = sum(each.scale == (0, 1) for each in whole)
    given = [scores(record, response) for response in record.responses]
    decisions = decide(record)
    return {
        What.pairs: len(decisions),
        What.several_labels: sum(each.votes >= 2 for each in decisions),
        What.gold: int(bool((record.gold or {}).get("better"))),
        What.comparisons: len(record.comparisons),
        What.ratings: len(whole) - thumbs,
        What.unary: thumbs,
        What.rankings: len(record.rankings),
        What.scores: int(any(given)),
        What.log_probs: int(any({"logps", "ref_logps"} & each.keys() for each in given)),
        What.human_and_model: by_both(record.comparisons),
        What.feedback: len(record.feedback),
        What.chat: int(any(each.get("role") == "assistant" for each in record.messages)),
        What.images: sum(each.uri is not None and each.text is None for each in record.responses),
        What.models: sum(each.model is not None for each in record.responses),
        **{what: int(says(record, names)) for what, names in COLUMNS.items()},
    }


def by_both(comparisons: Iterable[Comparison]) -> int:
    """Pairs that a person and a model compared."""
    kinds: dict[frozenset[str], set[str]] = {}
    for each in comparisons:
        if each.annotator:
            kinds.setdefault(frozenset((each.a, each.b)), set()).add(each.annotator.kind)
    return sum({"human", "model"} <= found for found in kinds.values())


def says(record: Record, names: Iterable[str]) -> bool:
    metadata: Any = record.extra.get("metadata")
    places = [record.extra, metadata if isinstance(metadata, dict) else {}]
    return any(name in place for place in places for name in names)
