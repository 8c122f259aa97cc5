"""Numbers that the labels of a prompt say of one of its pairs, besides which side is better."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from math import fsum, nan
from typing import TypeAlias

from curation.pairing.labels import Judged, Vote
from curation.pairing.list_weights import list_weight
from curation.pairing.ratings import Ratings

# (labels of the prompt, chosen, rejected) -> a number, NaN where the labels do not say.
Fact: TypeAlias = Callable[[Judged, str, str], float]
KIND = "\0"  # between an annotator's name and its kind


def gold(judged: Judged, chosen: str, rejected: str) -> float:
    """1 where the chosen response is verified to be better, 0 where the rejected one is; NaN also
    where records contradict each other."""
    said = {
        right
        for better, worse in judged.gold
        for right, pair in ((1.0, (chosen, rejected)), (0.0, (rejected, chosen)))
        if pair[0] in better and pair[1] in worse
    }
    return said.pop() if len(said) == 1 else nan


def share(votes: Iterable[Vote], chosen: str, rejected: str) -> float:
    """Of the votes about these two, those for the chosen one; a tie is half a vote for each."""
    towards: list[float] = []
    for vote in votes:
        if {vote.a, vote.b} == {chosen, rejected} and vote.outcome != "both_bad":
            for_a = {"a": 1.0, "b": 0.0, "tie": 0.5}[vote.outcome]
            towards.append(for_a if vote.a == chosen else 1 - for_a)
    return fsum(towards) / len(towards) if towards else nan


def annotator(judged: Judged, chosen: str, rejected: str) -> float:
    """A number that stands for who compared these two, where it was one; equal for equal names."""
    who = {v.annotator for v in judged.votes if {v.a, v.b} == {chosen, rejected}}
    name = who.pop() if len(who) == 1 else None
    if name is None:
        return nan
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return float(int.from_bytes(digest, "big"))


def by_kind(kind: str) -> Fact:
    def found(judged: Judged, chosen: str, rejected: str) -> float:
        own = (v for v in judged.votes if v.annotator and v.annotator.endswith(f"{KIND}{kind}"))
        return share(own, chosen, rejected)

    return found


def score(side: int) -> Fact:
    """The mean of the scores that came with the chosen (0) or rejected (1) response."""

    def found(judged: Judged, *pair: str) -> float:
        candidate = judged.candidates.get(pair[side])  # none where a turn became an answer
        given = candidate.scores if candidate else {}
        return fsum(given.values()) / len(given) if given else nan

    return found


def rated(side: int) -> Fact:
    """The rating of the chosen (0) or rejected (1) response, as `Ratings` reads it."""

    def found(judged: Judged, *pair: str) -> float:
        lists = Ratings().lists(judged, Counter())
        return next((each.scores.get(pair[side], nan) for each in lists), nan)

    return found


FACTS: Mapping[str, Fact] = {
    "gold": gold,
    "annotator": annotator,
    "human_share": by_kind("human"),
    "model_share": by_kind("model"),
    "score_chosen": score(0),
    "score_rejected": score(1),
    "list_weight": list_weight,
    "rated_chosen": rated(0),
    "rated_rejected": rated(1),
}
