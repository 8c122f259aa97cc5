"""Joint preferences (E09, DOVE 2404.00530): a prompt with its answer over another prompt's."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from service.export.layout import RecordLayout, Row, TrainingRecord
from service.export.plain import MESSAGES, plain
from service.formats.fields import turns_of
from service.formats.record import Rating, Record


class Rated(NamedTuple):
    """An answer to a prompt, and its rating."""

    prompt_id: str
    prompt: list[dict[str, str]]
    response: list[dict[str, str]]
    value: float


class JointPairs(RecordLayout):
    """Two answers to different prompts that one rater rated otherwise, on one scale and aspect.

    A rated answer is compared with the last one of another prompt of the same rater in the file's
    order, so memory is an answer a rater; raters without a name count as one. Equal ratings decide
    nothing and have no row. `context` is the aspect, `margin` the difference in the scale's unit.
    `provenance/` names the later of the two; both are in its split.
    """

    name: ClassVar[str] = "joint_pairs"
    description: ClassVar[str] = "Joint preferences over two prompts and answers (DOVE)"
    takes_margin: ClassVar[bool] = True

    def features(self) -> Any:
        sides = ("prompt_w", "response_w", "prompt_l", "response_l")
        messages = [(name, MESSAGES) for name in sides]
        return pa.schema([*messages, ("context", pa.string()), ("margin", pa.float64())])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        last: dict[Any, Rated] = {}
        for each in records:
            latest: dict[Any, Rated] = {}
            for label, rated in rated_in(each):
                rater = (label.annotator, label.aspect, label.scale)
                before = last.get(rater, rated)
                if before.prompt_id != each.prompt_id and before.value != rated.value:
                    yield Row(joint(before, rated, label.aspect), each.origin)
                latest[rater] = rated
            last |= latest  # answers to one prompt are never compared

    def tells(self, record: Record) -> Mapping[str, int]:
        """Nothing by itself: of ratings, only their differences remain."""
        del record
        return {}


def rated_in(each: TrainingRecord) -> Iterator[tuple[Rating, Rated]]:
    """Ratings of whole answers."""
    answers = {response.id: response for response in each.record.responses}
    prompt = plain(each.record.messages)
    for label in each.record.ratings:
        if label.response is not None and label.turn is None:
            said = plain(turns_of(answers[label.response]))
            yield label, Rated(each.prompt_id, prompt, said, label.value)


def joint(one: Rated, other: Rated, context: str | None) -> dict[str, Any]:
    better, worse = (one, other) if one.value > other.value else (other, one)
    return {
        "prompt_w": better.prompt,
        "response_w": better.response,
        "prompt_l": worse.prompt,
        "response_l": worse.response,
        "context": context,
        "margin": better.value - worse.value,
    }
