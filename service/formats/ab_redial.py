"""AB-ReDial: one annotator's scores of a dialogue about films, or of three of its turns."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import number, optional_text, required, text
from service.formats.format import Format
from service.formats.published import exactly, others, with_keys
from service.formats.record import Feedback, Message, Rating, Record, RowError

# What a whole dialogue is scored for, and what a turn is, with the scales that the files use.
DIALOGUE = {
    "understanding": (1.0, 3.0),
    "task-completion": (1.0, 3.0),
    "interest-arousal": (0.0, 3.0),
    "efficiency": (0.0, 1.0),
    "dialogue-overall": (1.0, 5.0),
}
TURN = {"relevance": (0.0, 4.0), "interestingness": (1.0, 3.0), "overall": (1.0, 5.0)}
ROLES = {"USER": "user", "SYSTEM": "assistant"}
SPEAKERS = {role: speaker for speaker, role in ROLES.items()}
SAID = re.compile(r"(USER|SYSTEM)\b\s*(.*)", re.DOTALL)
UTTERANCE = re.compile(r"utterance(\d+)")
SCORED = re.compile(rf"({'|'.join(TURN)})(\d+)")
UTTERANCES = 4  # that come with each of a row's three groups of turn scores
WHY = "justification-text"
OVERALL = "dialogue-overall"


class AbRedial(Format):
    name: ClassVar[str] = "ab_redial"
    description: ClassVar[str] = (
        "AB-ReDial: satisfaction with a dialogue and its turns, with reasons"
    )
    columns: ClassVar[tuple[str, ...]] = ("ConvId", "utterance0", *DIALOGUE, WHY)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "ConvId", "utterance0")

    def read(self, row: dict[str, Any]) -> Record:
        places = sorted(
            int(found[1]) for name in row if (found := UTTERANCE.fullmatch(name)) is not None
        )
        messages = [said(row[f"utterance{place}"], f"utterance{place}") for place in places]
        why = optional_text(row, WHY, WHY)
        ratings = [
            Rating(None, aspect, why if aspect == OVERALL else None, value, scale=scale)
            for aspect, scale in DIALOGUE.items()
            if (value := score(row, aspect)) is not None
        ]
        ratings += turn_ratings(row, places, messages)
        feedback: tuple[Feedback, ...] = ()
        if why is not None and row.get(OVERALL) is None:  # a reason without its score
            feedback = (Feedback(turn=len(messages) - 1, kind="justification", text=why),)
        read = [f"utterance{place}" for place in places]
        read += [name for name in row if SCORED.fullmatch(name)]
        return Record(
            messages,
            ratings=tuple(ratings),
            feedback=feedback,
            record_id=str(required(row, "ConvId")),
            extra=others(row, "ConvId", *DIALOGUE, WHY, *read),
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        row: dict[str, Any] = {"ConvId": record.record_id}
        for place, turn in enumerate(record.messages):
            row[f"utterance{place}"] = f"{SPEAKERS.get(turn['role'])}\t{turn.get('content')}"
        for label in record.ratings:
            group = "" if label.turn is None else str(label.turn // UTTERANCES + 1)
            row[f"{label.aspect}{group}"] = label.value
            row[WHY] = label.rationale or row.get(WHY)
        for label in record.feedback:
            row[WHY] = label.text
        return exactly(self, record, row | record.extra)


def said(value: Any, field: str) -> Message:
    found = SAID.fullmatch(text(value, field))
    if found is None:
        raise RowError("not_an_utterance", f"{field} starts with neither USER nor SYSTEM", field)
    return {"role": ROLES[found[1]], "content": found[2]}


def score(row: dict[str, Any], name: str) -> float | None:
    return None if row.get(name) is None else number(row[name], name)


def turn_ratings(
    row: dict[str, Any], places: Sequence[int], messages: Sequence[Message]
) -> list[Rating]:
    """Scores of the last thing that the system said in a group of four utterances."""
    found: list[Rating] = []
    for name in row:
        named = SCORED.fullmatch(name)
        if named is None:
            continue
        group = range((int(named[2]) - 1) * UTTERANCES, int(named[2]) * UTTERANCES)
        spoken = [
            index
            for index, place in enumerate(places)
            if place in group and messages[index]["role"] == "assistant"
        ]
        if not spoken:
            raise RowError("unknown_turn", f"the system said nothing that {name} scores", name)
        value = number(row[name], name)
        found.append(Rating(None, named[1], None, value, turn=spoken[-1], scale=TURN[named[1]]))
    return found
