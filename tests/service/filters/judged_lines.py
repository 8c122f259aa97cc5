"""Lines with labels of every kind on few prompts, and what they say of a pair, in plain Python."""

import random
from collections import defaultdict
from typing import Any, NamedTuple

import orjson

ANSWERS = ("a", "b", "c", "d")
WHO = ("ann", "bob", None)
ASPECTS = ("x", None)
SCALES = ([1, 5], [1, 7])


class Line(NamedTuple):
    upload: str
    number: int
    record: dict[str, Any]


def uploads(seed: int, names: tuple[str, ...], lines: int) -> dict[str, list[Line]]:
    chance = random.Random(seed)
    return {
        name: [Line(name, n, record(chance, f"p{chance.randrange(6)}")) for n in range(1, lines)]
        for name in names
    }


def content(lines: list[Line]) -> bytes:
    return b"".join(orjson.dumps(line.record, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def record(chance: random.Random, prompt: str) -> dict[str, Any]:
    """Some of the prompt's answers under ids of the line's own."""
    answers = chance.sample(ANSWERS, chance.randint(2, 4))
    ids = [f"r{i}" for i in range(len(answers))]
    labels = {"comparisons": comparison, "ratings": rating, "rankings": ranking}
    return {
        "messages": [{"role": "user", "content": prompt}],
        "responses": [
            {"id": id, "text": f"{prompt} {answer}"}
            for id, answer in zip(ids, answers, strict=True)
        ],
        **{
            kind: [make(chance, ids) | label(chance) for _ in range(chance.choice((0, 1, 2, 4)))]
            for kind, make in labels.items()
        },
    }


def label(chance: random.Random) -> dict[str, Any]:
    """Who said it of what, and why."""
    given = {
        "annotator": chance.choice(WHO), "aspect": chance.choice(ASPECTS),
        "rationale": chance.choice(("good", "short", None)),
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def comparison(chance: random.Random, ids: list[str]) -> dict[str, Any]:
    a, b = chance.sample(ids, 2)
    outcome = chance.choice(("a", "a", "b", "tie", "both_bad"))
    return {"a": a, "b": b, "outcome": outcome, "strength": chance.randrange(4)}


def rating(chance: random.Random, ids: list[str]) -> dict[str, Any]:
    value = chance.randint(1, 4)
    return {"response": chance.choice(ids), "value": value, "scale": chance.choice(SCALES)}


def ranking(chance: random.Random, ids: list[str]) -> dict[str, Any]:
    named = chance.sample(ids, chance.randint(2, len(ids)))
    cut = chance.randint(1, len(named))
    return {"tiers": [tier for tier in (named[:cut], named[cut:]) if tier]}


def judgments(lines: list[Line], chosen: str, rejected: str) -> list[dict[str, Any]]:
    """What these lines say of two texts, as the fields of ANY and ALL."""
    found: list[dict[str, Any]] = []
    rated: dict[Any, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        said = {each["id"]: each["text"] for each in line.record["responses"]}
        for each in line.record["comparisons"]:
            sides = said[each["a"]], said[each["b"]]
            if set(sides) == {chosen, rejected}:
                better = {"a": sides[0], "b": sides[1]}.get(each["outcome"])
                outcome = each["outcome"] if better is None else by_text(better, chosen)
                found.append(judgment("comparison", each, outcome, each["strength"]))
        for each in line.record["rankings"]:
            place = {said[id]: i for i, tier in enumerate(each["tiers"]) for id in tier}
            if {chosen, rejected} <= place.keys():
                ahead = place[rejected] - place[chosen]
                found.append(judgment("ranking", each, by_difference(ahead), abs(ahead)))
        for each in line.record["ratings"]:
            text = said[each["response"]]
            key = (each.get("annotator"), each.get("aspect"), *each["scale"])
            if text in (chosen, rejected):
                rated[key][text].append(each["value"])
    for (who, aspect, *_), given in rated.items():
        if len(given) == 2:
            means = {text: sum(values) / len(values) for text, values in given.items()}
            ahead = means[chosen] - means[rejected]
            label = {"annotator": who, "aspect": aspect}
            found.append(judgment("rating", label, by_difference(ahead), abs(ahead)))
    return found


def judgment(kind: str, label: dict[str, Any], outcome: str, strength: float) -> dict[str, Any]:
    return {
        "label": kind, "outcome": outcome, "strength": strength,
        "annotator.name": label.get("annotator"), "aspect": label.get("aspect"),
    }  # fmt: skip


def by_text(better: str, chosen: str) -> str:
    return "chosen" if better == chosen else "rejected"


def by_difference(ahead: float) -> str:
    return "tie" if ahead == 0 else "chosen" if ahead > 0 else "rejected"
