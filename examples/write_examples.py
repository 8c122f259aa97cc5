"""Composes pairs.jsonl from the hand-written questions and answers in content/.

Run `python examples/write_examples.py`; the same content gives the same bytes.
"""

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
SEED = 20261121
WORDY = 0.4  # share of the worse answers that are drawn out
WRONG_LABELS = 0.17  # share of the comparisons with a known answer whose label is wrong
TIES, BOTH_BAD, REPHRASED = 14, 8, 16
MARKS = {"!": "system", "?": "user", "<": "assistant"}
BASIS = {
    "wrong": "states something false", "rude": "is rude", "vague": "says nothing",
    "offtopic": "answers another question", "unsafe": "could do harm",
    "ignores": "ignores what was asked for", "padded": "is long and empty",
    "refusal": "refuses without need", "plain": "is thinner", "cut": "breaks off",
    "empty": "is empty", "swapped": "belongs to another question",
}  # fmt: skip
REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "As a language model I am not able to answer this question.",
    "I cannot give advice on this topic. Please consult a professional.",
)
SHRUGS = ("No idea.", "Just search for it.", "It depends.", "Hard to say, really.", "Why ask me?")
PADDING = (
    "What a great question! I am so happy that you asked it, because it is a question that many "
    "people ask themselves, and it is important to ask questions. Before I come to the answer, let "
    "me say that there are many views on this, and that every situation is different. ",
    "Thank you for reaching out! This is a truly fascinating subject that touches on several "
    "aspects at once. In order to address it properly, it is worth taking a step back and looking "
    "at the bigger picture, which is always larger than one thinks. ",
)
WAFFLE = (
    "I hope this gives you a first idea of how one could go about it.",
    "Of course there are always people who see this differently, and that is perfectly fine.",
    "In today's fast-moving world this question matters more than ever before.",
    "As so often in life, the truth probably lies somewhere in the middle.",
    "Experts have been discussing it for years, and they will go on discussing it.",
    "Whatever you decide in the end, the most important thing is that you feel good about it.",
    "There is a lot more to be said, and whole books have been filled with this topic.",
    "Let me know if you would like to hear more, and I will gladly say it again in other words.",
    "It is worth noting that results may vary, and that every case has to be seen on its own.",
    "All in all, it can be said that a number of factors play a role and should be kept in mind.",
    "I am confident that with the right attitude you will find the solution that suits you.",
    "Taking everything together, the advantages and the disadvantages more or less cancel out.",
)
REWORDED = (
    ("don't", "do not"), ("it's", "it is"), ("Usually", "Mostly"), ("usually", "as a rule"),
    ("about", "around"), ("until", "till"), ("Then", "After that"), (" and ", " and also "),
)  # fmt: skip
GREETINGS = ("Hi! {} Thanks!", "Quick question: {}", "{} I'd be glad about any help.", "Hello, {}")


class Answer(NamedTuple):
    """`flaw` is a key of BASIS; None for the good answer."""

    text: str
    flaw: str | None


class Entry(NamedTuple):
    topic: str
    messages: list[dict[str, str]]
    answers: list[Answer]  # the good one first


def read(path: Path) -> list[Entry]:
    blocks = path.read_text("utf-8").strip().split("\n\n")
    return [entry(path.stem, block.splitlines()) for block in blocks]


def entry(topic: str, lines: list[str]) -> Entry:
    """`!` system, `?` user, `<` assistant; `+` good, `~` thin, `- flaw:` bad answer."""
    messages: list[dict[str, str]] = []
    answers: list[Answer] = []
    for line in lines:
        mark, text = line[0], line[2:].replace("\\n", "\n")
        if mark in MARKS:
            messages.append({"role": MARKS[mark], "content": text})
        elif mark == "-":
            flaw, _, text = text.partition(": ")
            answers.append(Answer(text, flaw))
        else:
            answers.append(Answer(text, {"+": None, "~": "plain"}[mark]))
    return Entry(topic, messages, sorted(answers, key=lambda answer: answer.flaw is not None))


def worse(good: str, others: list[str], rng: random.Random) -> Answer:
    """An answer spoilt in one of the ways that real ones are."""
    words = good.split(" ")
    kinds = ["cut", "swapped", "refusal", "vague", "padded"]
    kind = rng.choice(kinds if len(words) > 12 else kinds[1:])
    text = {
        "cut": " ".join(words[: len(words) * rng.randint(3, 5) // 10]),
        "swapped": rng.choice(others),
        "refusal": rng.choice(REFUSALS),
        "vague": rng.choice(SHRUGS),
        "padded": rng.choice(PADDING) + " ".join(words[:6]) + " … but as I said, it depends.",
    }[kind]
    return Answer(text, kind)


def drawn_out(answer: Answer, rng: random.Random) -> Answer:
    """Longer and no better: so that length alone does not tell the good answer."""
    if answer.flaw is None or rng.random() > WORDY:
        return answer
    return answer._replace(text=" ".join([answer.text, *rng.sample(WAFFLE, rng.randint(2, 5))]))


def reworded(text: str) -> str:
    for old, new in REWORDED:
        text = text.replace(old, new, 1)
    return f"Sure. {text}"


def rephrased(source: Entry, rng: random.Random) -> Entry:
    """The same question in nearly the same words, with a nearly equal answer."""
    last = source.messages[-1]
    asked = rng.choice(GREETINGS).format(last["content"])
    messages = [*source.messages[:-1], {**last, "content": asked}]
    return Entry(source.topic, messages, [Answer(reworded(source.answers[0].text), None)])


def votes(a: str, b: str, winner: str, rng: random.Random) -> list[dict[str, Any]]:
    """One to five judgments of which most say `winner`: an outcome."""
    number = rng.choices((1, 2, 3, 5), (55, 5, 30, 10))[0]
    who = rng.sample([f"annotator-{n:02d}" for n in range(1, 9)], number)
    loser = {"a": "b", "b": "a"}.get(winner, "a")
    found: list[dict[str, Any]] = []
    for place, name in enumerate(who):
        dissents = number > 2 and place < number // 2 and rng.random() < 0.35
        found.append(judgment(a, b, loser if dissents else winner, name, rng))
    return found


def judgment(a: str, b: str, outcome: str, who: str, rng: random.Random) -> dict[str, Any]:
    if who == "annotator-08":
        who, kind = "small-judge", "model"
    else:
        kind = "human"
    made: dict[str, Any] = {
        "a": a, "b": b, "outcome": outcome, "annotator": who, "annotator_kind": kind,
        "shown": rng.choice(("ab", "ba")),
    }  # fmt: skip
    if outcome in ("a", "b") and rng.random() < 0.5:
        made["strength"] = rng.choice((1, 2, 3))
    return made


def record(source: Entry, number: int, kind: str, rng: random.Random) -> dict[str, Any]:
    """A native record; the answers' order says nothing. `kind`: pair, tie or both_bad."""
    answers = list(source.answers)
    rng.shuffle(answers)
    ids = {answer: f"r{place}" for place, answer in enumerate(answers)}
    good, *others = source.answers
    comparisons: list[dict[str, Any]] = []
    for other in others:
        wrong = kind == "pair" and rng.random() < WRONG_LABELS
        outcome = {"pair": "b" if wrong else "a"}.get(kind, kind)
        comparisons += votes(ids[good], ids[other], outcome, rng)
    better = [ids[answer] for answer in source.answers if answer.flaw is None]
    flaws = {ids[answer]: answer.flaw for answer in answers if answer.flaw}
    made: dict[str, Any] = {
        "id": f"example-{number:04d}",
        "messages": source.messages,
        "responses": [{"id": ids[answer], "text": answer.text} for answer in answers],
        "comparisons": comparisons,
    }
    if better and flaws:
        basis = "; ".join(f"{name} {BASIS[flaw]}" for name, flaw in sorted(flaws.items()))
        made["gold"] = {"better": better, "worse": sorted(flaws), "basis": f"as written: {basis}"}
        made["ratings"] = ratings(ids, rng) if rng.random() < 0.15 else []
    return {name: value for name, value in made.items() if value != []} | {
        "metadata": {"topic": source.topic}
    }


def ratings(ids: dict[Answer, str], rng: random.Random) -> list[dict[str, Any]]:
    """One annotator's marks from 1 to 5 for how helpful each answer is."""
    who = f"annotator-{rng.randint(1, 7):02d}"
    return [
        {"response": name, "annotator": who, "annotator_kind": "human", "aspect": "helpful",
         "value": rng.choice((4, 5) if answer.flaw is None else (1, 2, 3)), "scale": [1, 5]}
        for answer, name in ids.items()
    ]  # fmt: skip


def compose() -> list[dict[str, Any]]:
    rng = random.Random(SEED)
    entries = [each for path in sorted((HERE / "content").glob("*.txt")) for each in read(path)]
    goods = [each.answers[0].text for each in entries]
    made: list[tuple[Entry, str]] = []
    for each in entries:
        if rng.random() < 0.3:
            each.answers.append(worse(each.answers[0].text, goods, rng))
        each.answers[1:] = [drawn_out(answer, rng) for answer in each.answers[1:]]
        made.append((each, "pair"))
    made[40][0].answers.append(Answer("", "empty"))
    for each in rng.sample(entries, REPHRASED):
        twin = rephrased(each, rng)
        twin.answers.append(worse(twin.answers[0].text, goods, rng))
        made.append((twin, "pair"))
    for each in rng.sample(entries, TIES):
        twins = [each.answers[0], Answer(reworded(each.answers[0].text), None)]
        made.append((each._replace(answers=twins), "tie"))
    for each in rng.sample([each for each in entries if len(each.answers) > 2], BOTH_BAD):
        made.append((each._replace(answers=each.answers[1:3]), "both_bad"))
    rng.shuffle(made)
    return [record(each, n, kind, rng) for n, (each, kind) in enumerate(made, 1)]


if __name__ == "__main__":
    lines = [json.dumps(made, ensure_ascii=False) + "\n" for made in compose()]
    (HERE / "pairs.jsonl").write_text("".join(lines), "utf-8", newline="\n")
