"""C04 of WildFeedback (arXiv 2408.15549): an answer that a user rejected, and a better one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from curation.feedback.conversations import Conversation, Key, Message, Said, judgments, text_of
from curation.items import Floats

Way: TypeAlias = Literal["later", "same_prompt", "revised"]
UNJUDGED = 0.5  # how surely an answer is good that no user's turn is about


class Reading(NamedTuple):
    """A user's turn and the probabilities that it says good, or bad, of the answer before it."""

    said: Said
    sat: float
    dsat: float


class Correction(NamedTuple):
    """`rejected` got the complaint; `chosen` the praise, or none where it is only a new attempt."""

    key: Key  # of the rejected answer
    conversation: Conversation
    turn: int  # of the rejected answer
    chosen: str
    chosen_turn: int
    way: Way
    complaint: Reading
    praise: Reading | None

    @property
    def rejected(self) -> str:
        return text_of(self.conversation.messages[self.turn]) or ""

    @property
    def prompt(self) -> Sequence[Message]:
        return self.conversation.messages[: self.turn]

    @property
    def confidence(self) -> float:
        """That both turns are read aright, 0..1."""
        return self.complaint.dsat * (self.praise.sat if self.praise else UNJUDGED)


class Verdicts(NamedTuple):
    """What was read, by the turn that says it; answers that are only praised, or only blamed."""

    complaints: Mapping[Key, Reading]
    satisfied: Mapping[Key, Reading]
    dissatisfied: frozenset[Key]
    dropped: Counter[str]


def verdicts(said: Sequence[Said], p: Floats, least: float) -> Verdicts:
    """`p` (n, 2) P(satisfied), P(dissatisfied) of each turn; from `least` on it counts.

    A turn that says both is dropped, and an answer about which turns contradict each other.
    """
    praised: dict[Key, Reading] = {}
    complaints: dict[Key, Reading] = {}
    dropped: Counter[str] = Counter()
    for one, (sat, dsat) in zip(said, p.tolist(), strict=True):
        reading = Reading(one, sat, dsat)
        if sat >= least and dsat >= least:
            dropped["sat_and_dsat_same_turn"] += 1
        elif dsat >= least:
            complaints[one.key] = reading
        elif sat >= least and (one.answer not in praised or praised[one.answer].sat < sat):
            praised[one.answer] = reading
    blamed = {reading.said.answer for reading in complaints.values()}
    torn = blamed & praised.keys()
    dropped["users_disagree"] += len(torn)
    return Verdicts(
        {key: each for key, each in complaints.items() if each.said.answer not in torn},
        {key: each for key, each in praised.items() if key not in torn},
        frozenset(blamed | torn),
        dropped,
    )


def corrections(
    conversations: Iterable[Conversation],
    found: Verdicts,
    ways: Sequence[Way],
    within: int,
    skipped: Counter[str],
) -> list[Correction]:
    """At most one of each rejected answer: by the first of `ways` that gives one, then the surest.

    later: an answer to which a later turn of the conversation was satisfied, at most `within`
    answers on. same_prompt: another answer to the same prompt, in the same tree, with praise.
    revised: the next answer, given with the complaint in sight, about which nobody complains.
    """
    best: dict[Key, Correction] = {}
    blamed: dict[Key, tuple[Conversation, int, Reading]] = {}
    others: dict[tuple[object, Key], dict[str, tuple[int, Reading]]] = {}
    for conversation in conversations:
        keys = conversation.keys()
        for said in judgments(conversation):
            at = said.turn - 1
            if (praise := found.satisfied.get(said.answer)) is not None:
                text = text_of(conversation.messages[at]) or ""
                others.setdefault((conversation.place, keys[at - 1]), {})[text] = (at, praise)
            if (complaint := found.complaints.get(said.key)) is None:
                continue
            blamed.setdefault(said.answer, (conversation, at, complaint))
            for one in on_path(conversation, keys, complaint, found, within):
                if one.way in ways:
                    keep(best, one, ways)
    if "same_prompt" in ways:
        for key, (conversation, at, complaint) in blamed.items():
            siblings = others.get((conversation.place, conversation.keys()[at - 1]), {})
            for text, (turn, praise) in siblings.items():
                one = Correction(
                    key, conversation, at, text, turn, "same_prompt", complaint, praise
                )
                keep(best, one, ways)
    skipped["no_better_answer"] += len(blamed) - len(best)
    return admitted(best.values(), skipped)


def on_path(
    conversation: Conversation,
    keys: Sequence[Key],
    complaint: Reading,
    found: Verdicts,
    within: int,
) -> Iterator[Correction]:
    """The better answers after a complaint in its own conversation."""
    turn, answers = complaint.said.turn, 0
    for at in range(turn + 1, len(conversation.messages)):
        said = conversation.messages[at]
        text = text_of(said)
        if said.get("role") != "assistant" or text is None:
            continue
        answers += 1
        if answers > within:
            return
        praise = found.satisfied.get(keys[at])
        rejected = (complaint.said.answer, conversation, turn - 1)
        if praise is not None:
            yield Correction(*rejected, text, at, "later", complaint, praise)
        if at == turn + 1 and keys[at] not in found.dissatisfied:
            yield Correction(*rejected, text, at, "revised", complaint, praise)


def keep(best: dict[Key, Correction], one: Correction, ways: Sequence[Way]) -> None:
    """The first way, the surest, the earliest; of equal ones the first that is met."""
    before = best.get(one.key)
    if before is None or precedence(one, ways) < precedence(before, ways):
        best[one.key] = one


def precedence(one: Correction, ways: Sequence[Way]) -> tuple[int, float, int]:
    return ways.index(one.way), -round(one.confidence, 9), one.chosen_turn


def admitted(found: Iterable[Correction], skipped: Counter[str]) -> list[Correction]:
    """Those whose answers are texts that differ, the surest first."""
    kept: list[Correction] = []
    for one in found:
        if text_of(one.conversation.messages[one.turn]) is None:
            skipped["no_text"] += 1
        elif one.rejected.strip() == one.chosen.strip():
            skipped["equal_texts"] += 1
        else:
            kept.append(one)
    return sorted(kept, key=lambda one: (-round(one.confidence, 9), one.key))
