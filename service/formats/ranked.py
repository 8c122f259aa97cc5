"""Lists of answers in an order, as Nectar's, or with a score each, as RRHF's and LiPO's."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful
from service.formats.fields import (
    decoded,
    is_messages,
    items,
    messages,
    optional_text,
    required,
    response_of,
    text,
    turns_of,
)
from service.formats.format import Format
from service.formats.hh import transcript, transcript_turns
from service.formats.label_columns import columns_of, identifier, label_of, name_of, rating
from service.formats.native import read_scale
from service.formats.published import others
from service.formats.record import Label, Message, Ranking, Rating, Record, Response, RowError
from service.formats.trl_preference import prompt_messages
from service.formats.trl_stepwise import listed, plain

PROMPTS = ("prompt", "query", "prefix", "instruction")
LISTS = ("responses", "candidates", "completions", "suffix")
SCORES = ("scores", "rewards", "reward")
LABEL = ("annotator", "annotator_kind", "aspect", "rationale", "scale")
REST = "answers_rest"  # what an answer says besides


class RankedLists(Format):
    name: ClassVar[str] = "ranked"
    description: ClassVar[str] = "Ranked lists: answers with ranks (Nectar), or lists with scores"
    columns: ClassVar[tuple[str, ...]] = ("prompt", "answers")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return sum(map(likeness, rows)) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        prompt = first_of(row, PROMPTS)
        said = asked(required(row, prompt))
        if "answers" in row:
            return read_answers(row, prompt, said)
        return read_scores(row, prompt, said)

    def write(self, record: Record) -> list[dict[str, Any]]:
        prompt = {"id": record.record_id, "prompt": as_prompt(record)}
        rest = rest_of(record.extra.get(REST), len(record.responses))
        rows = [
            {**prompt, "answers": answers(record, label, rest), **columns_of(label)}
            for label in record.rankings
        ]
        groups: dict[Any, list[Rating]] = {}
        for label in record.ratings:
            key = (label.annotator, label.aspect, label.rationale, label.scale)
            groups.setdefault(key, []).append(label)
        rows += [{**prompt, **scored(record, group)} for group in groups.values()]
        if not rows:
            rows = [{**prompt, "answers": answers(record, Ranking(), rest)}]
        extra = {name: value for name, value in record.extra.items() if name != REST}
        return faithful(self, record, [{**row, **extra} for row in rows])


def likeness(row: dict[str, Any]) -> float:
    found = decoded(row.get("answers"))
    if isinstance(found, list) and found and "prompt" in row:
        ranked = all(isinstance(each, dict) and "answer" in each for each in found)
        return 0.95 if ranked else 0.0
    named = any(name in row for name in PROMPTS)
    lists = [isinstance(decoded(row.get(first_of(row, names))), list) for names in (LISTS, SCORES)]
    return 0.85 if named and all(lists) else 0.0


def first_of(row: dict[str, Any], names: Sequence[str]) -> str:
    return next((name for name in names if row.get(name) is not None), names[0])


def asked(prompt: Any) -> list[Message]:
    """A transcript that ends where the assistant is to speak, or a prompt as elsewhere."""
    if isinstance(prompt, str) and prompt.startswith("\n\nHuman:"):
        turns = transcript_turns(prompt, "prompt")
        open_end = turns[-1]["role"] == "assistant" and not turns[-1]["content"].strip()
        return turns[:-1] if open_end else turns
    return prompt_messages(prompt)


def as_prompt(record: Record) -> Any:
    """One message as its text, a dialogue as a transcript, and messages where that fails."""
    if not isinstance(plain(record), list):
        return plain(record)
    try:
        said = transcript(record.messages) + "\n\nAssistant: "
        return said if asked(said) == list(record.messages) else list(record.messages)
    except RowError:
        return list(record.messages)


def answer_of(value: Any, id: str, field: str) -> Response:
    if is_messages(value):
        return response_of(messages(value, field), id)
    return Response(id, text(value, field))


def read_answers(row: dict[str, Any], prompt: str, said: list[Message]) -> Record:
    found = items(row, "answers")
    responses: list[Response] = []
    tiers: dict[float, list[str]] = {}
    for index, each in enumerate(found):
        field = f"answers[{index}]"
        id = f"r{index}" if each.get("id") is None else name_of(each["id"], f"{field}.id")
        given = answer_of(each.get("answer"), id, f"{field}.answer")
        model = optional_text(each, "model", f"{field}.model")
        score = rating(each.get("score"), f"{field}.score")
        scores = None if score is None else {"score": score}
        responses.append(Response(id, given.text, given.messages, None, model, scores))
        rank = rating(each.get("rank"), f"{field}.rank")
        if rank is not None:
            tiers.setdefault(rank, []).append(id)
    if len({each.id for each in responses}) < len(found):
        raise RowError("duplicate_id", "two answers have the same id", "answers")
    label = Ranking(**label_of(row), tiers=[tiers[rank] for rank in sorted(tiers)])
    extra = others(row, "id", prompt, "answers", *LABEL[:-1])
    rest = [others(each, "id", "answer", "model", "score", "rank") for each in found]
    return Record(
        said,
        tuple(responses),
        rankings=(label,) if tiers else (),
        record_id=identifier(row, "id"),
        extra=extra | ({REST: rest} if any(rest) else {}),
    )


def read_scores(row: dict[str, Any], prompt: str, said: list[Message]) -> Record:
    texts, scores = first_of(row, LISTS), first_of(row, SCORES)
    found, values = listed(row, texts), listed(row, scores)
    if len(found) != len(values):
        raise RowError("wrong_length", f"{len(found)} responses, {len(values)} scores", scores)
    models = decoded(row.get("models"))
    if not isinstance(models, list) or len(models) != len(found):
        models = [None] * len(found)
    responses = [
        answer_of(value, f"r{index}", f"{texts}[{index}]") for index, value in enumerate(found)
    ]
    named = [
        Response(
            each.id, each.text, each.messages,
            model=optional_text({"model": model}, "model", f"models[{index}]"),
        )
        for index, (each, model) in enumerate(zip(responses, models, strict=True))
    ]  # fmt: skip
    label, scale = label_of(row), read_scale(decoded(row.get("scale")), "scale")
    given = [rating(value, f"{scores}[{index}]") for index, value in enumerate(values)]
    extra = others(row, "id", prompt, texts, scores, *LABEL)
    if any(each.model for each in named):
        extra.pop("models", None)
    return Record(
        said,
        tuple(named),
        ratings=tuple(
            Rating(**label, value=value, response=f"r{index}", scale=scale)
            for index, value in enumerate(given)
            if value is not None
        ),
        record_id=identifier(row, "id"),
        extra=extra,
    )


def rest_of(value: Any, count: int) -> list[dict[str, Any]]:
    """What each answer says besides; nothing, where this is no such list."""
    fits = isinstance(value, list) and len(value) == count
    return value if fits and all(isinstance(each, dict) for each in value) else [{}] * count


def answers(record: Record, label: Ranking, rest: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each answer with its rank, 1 the best; None where it is not ranked."""
    ranks = {id: rank for rank, tier in enumerate(label.tiers, start=1) for id in tier}
    return [
        {
            "answer": as_answer(each),
            "model": each.model,
            "rank": ranks.get(each.id),
            **({} if each.id == f"r{index}" else {"id": each.id}),
            **({} if each.scores is None else {"score": each.scores.get("score")}),
            **more,
        }
        for index, (each, more) in enumerate(zip(record.responses, rest, strict=True))
    ]


def as_answer(response: Response) -> Any:
    return turns_of(response) if response.text is None else response.text


def scored(record: Record, group: Sequence[Rating]) -> dict[str, Any]:
    values = {label.response: label.value for label in group}
    first: Label = group[0]
    models = [each.model for each in record.responses]
    return {
        "responses": [as_answer(each) for each in record.responses],
        "scores": [values.get(each.id) for each in record.responses],
        "models": models if any(models) else None,
        "scale": None if group[0].scale is None else list(group[0].scale),
        **columns_of(first),
    }
