"""NeMo-RL preference: a context and its completions with ranks, the lowest preferred."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import compared
from service.formats.fields import (
    decoded,
    integer,
    items,
    messages,
    required,
    response_of,
    turns_of,
)
from service.formats.format import Format
from service.formats.record import Comparison, Ranking, Record, Response, RowError
from service.formats.trl_preference import prompt_messages
from service.tables.labels import Outcome

COLUMNS = ("context", "completions")


class NemoRl(Format):
    name: ClassVar[str] = "nemo_rl"
    description: ClassVar[str] = "NeMo-RL: a context and ranked completions, rank 0 the best"
    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [
            row for row in rows if "context" in row and ranked(decoded(row.get("completions")))
        ]
        return 0.95 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        prompt = prompt_messages(required(row, "context"))
        required(row, "completions")
        found = items(row, "completions")
        responses = tuple(read_response(item, index) for index, item in enumerate(found))
        ranks = [rank_of(item, index) for index, item in enumerate(found)]
        extra = {name: value for name, value in row.items() if name not in COLUMNS}
        if len(found) == 2:
            label = Comparison(a="r0", b="r1", outcome=outcome(*ranks))
            return Record(prompt, responses, (label,), extra=extra)
        return Record(prompt, responses, rankings=(ranking(ranks),), extra=extra)

    def write(self, record: Record) -> list[dict[str, Any]]:
        found = rankings(record) if record.rankings else map(ranks_of, compared(record))
        by_id = {response.id: response for response in record.responses}
        return [
            {
                "context": list(record.messages),
                "completions": [
                    {"rank": rank, "completion": turns_of(by_id[id])} for id, rank in ranks.items()
                ],
                **record.extra,
            }
            for ranks in found
        ]


def ranked(value: Any) -> bool:
    value = decoded(value)
    return isinstance(value, list) and all(
        isinstance(item, dict) and {"rank", "completion"} <= item.keys() for item in value
    )


def read_response(item: dict[str, Any], index: int) -> Response:
    field = f"completions[{index}].completion"
    said = item.get("completion")
    if isinstance(said, str):
        return Response(f"r{index}", said)
    return response_of(messages(said, field), f"r{index}")


def rank_of(item: dict[str, Any], index: int) -> int:
    field = f"completions[{index}].rank"
    if item.get("rank") is None:
        raise RowError("missing_field", f"{field} is missing", field)
    return integer(item["rank"], field)


def outcome(first: int, second: int) -> Outcome:
    """A lower rank is the better one; equal ranks are a tie."""
    if first == second:
        return Outcome.tie
    return Outcome.a if first < second else Outcome.b


def ranking(ranks: Sequence[int]) -> Ranking:
    return Ranking(
        tiers=[
            [f"r{index}" for index, rank in enumerate(ranks) if rank == tier]
            for tier in sorted(set(ranks))
        ]
    )


def ranks_of(label: Comparison) -> dict[str, int]:
    """Rank by response id, 0 the better one."""
    if label.outcome is Outcome.both_bad:
        raise RowError("not_expressible", "this layout can't say 'both_bad'")
    return {
        label.a: int(label.outcome is Outcome.b),
        label.b: int(label.outcome is Outcome.a),
    }


def rankings(record: Record) -> list[dict[str, int]]:
    """Rank by response id of each ranking, where the record holds nothing but those."""
    if record.comparisons or record.ratings or record.feedback:
        raise RowError("not_expressible", "this layout holds rankings or comparisons, not both")
    everyone = [response.id for response in record.responses]
    found: list[dict[str, int]] = []
    for label in record.rankings:
        if (label.annotator, label.aspect, label.rationale) != (None, None, None):
            raise RowError("not_expressible", "this layout names no annotator, aspect or rationale")
        ranks = {id: rank for rank, tier in enumerate(label.tiers) for id in tier}
        if ranks.keys() != set(everyone):
            raise RowError("not_expressible", "this layout holds no partial rankings")
        if len(ranks) == 2:
            raise RowError("not_expressible", "two ranked responses would read as a comparison")
        found.append({id: ranks[id] for id in everyone})
    return found
