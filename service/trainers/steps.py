"""Step values (E07): a response in steps, and what each step was rated."""

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean
from typing import Any, ClassVar

import pyarrow as pa

from service.export.contests import alone
from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES, plain
from service.formats.record import Record, Response


class StepValues(RecordLayout):
    """A row a response of which a step was rated, by its turns: TRL's layout takes thumbs only.

    `step_values` are mean ratings as given, null where `mask` is false: the step has none.
    """

    name: ClassVar[str] = "step_values"
    description: ClassVar[str] = "Steps with values and a mask (process rewards, T-REG)"

    def features(self) -> Any:
        steps = [("steps", pa.list_(pa.string())), ("step_values", pa.list_(pa.float64()))]
        return pa.schema([("prefix", MESSAGES), *steps, ("mask", pa.list_(pa.bool_()))])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for response in each.record.responses:
                found = step_values(each.record, response)
                if any(value is not None for value in found):
                    values: dict[str, Any] = {
                        "prefix": plain(each.record.messages),
                        "steps": [turn["content"] for turn in plain(response.messages or ())],
                        "step_values": found,
                        "mask": [value is not None for value in found],
                    }
                    yield Row(values, each.origin)

    def tells(self, record: Record) -> Mapping[str, int]:
        steps = (each for each in record.ratings if each.turn is not None and each.aspect is None)
        return alone(each for each in steps if each.response is not None)


def step_values(record: Record, response: Response) -> list[float | None]:
    given: list[list[float]] = [[] for _ in response.messages or ()]
    for label in record.ratings:
        if label.response == response.id and label.aspect is None and label.turn is not None:
            given[label.turn].append(label.value)
    return [fmean(values) if values else None for values in given]
