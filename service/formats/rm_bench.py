"""RM-Bench (arXiv:2410.16184): three good and three bad answers, each pair in three styles."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import required, text
from service.formats.format import Format
from service.formats.published import asked, exactly, others, prompt_of, with_keys
from service.formats.record import Annotator, Comparison, Record, Response, RowError
from service.tables.labels import Outcome

STYLES = ("concise", "plain", "markdown")  # the order of the lists
GOOD = tuple(f"chosen_{style}" for style in STYLES)
BAD = tuple(f"rejected_{style}" for style in STYLES)
BY = Annotator("rm_bench", "rule")


class RmBench(Format):
    name: ClassVar[str] = "rm_bench"
    description: ClassVar[str] = "RM-Bench: 3 good and 3 bad answers in 3 styles; gold"
    columns: ClassVar[tuple[str, ...]] = ("id", "prompt", "chosen", "rejected", "subset")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if is_triple(row.get("chosen"))]
        return with_keys(found, "prompt", "chosen", "rejected") * len(found) / max(len(rows), 1)

    def read(self, row: dict[str, Any]) -> Record:
        texts: list[str] = []
        for name in ("chosen", "rejected"):
            if not is_triple(row.get(name)):
                raise RowError("wrong_type", f"{name} must have a text for each style", name)
            texts += row[name]
        responses = [Response(id, said) for id, said in zip((*GOOD, *BAD), texts, strict=True)]
        return Record(
            asked(text(required(row, "prompt"), "prompt")),
            tuple(responses),
            tuple(Comparison(BY, a=a, b=b, outcome=Outcome.a) for a in GOOD for b in BAD),
            record_id=None if row.get("id") is None else str(row["id"]),
            gold={"better": list(GOOD), "worse": list(BAD), "basis": "by construction"},
            extra=others(row, "id", "prompt", "chosen", "rejected"),
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        texts = {response.id: response.text for response in record.responses}
        row = {
            "id": record.record_id,
            "prompt": prompt_of(record),
            "chosen": [texts.get(id) for id in GOOD],
            "rejected": [texts.get(id) for id in BAD],
            **record.extra,
        }
        return exactly(self, record, row)


def is_triple(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(STYLES)
        and all(isinstance(said, str) for said in value)
    )
