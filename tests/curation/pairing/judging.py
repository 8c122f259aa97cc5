"""Small prompts with labels, and random ones, for the tests of pair policies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from curation.pairing import POLICY, Built, PairPolicy
from curation.pairing.labels import Candidate, Judged, Outcome, Ranked, Rated, Vote

NAMES = "abcdef"


def policy(kind: str, **fields: Any) -> PairPolicy:
    return POLICY.validate_python({"kind": kind, **fields})


def rated(scores: Mapping[str, float]) -> Judged:
    """One overall rating a response."""
    return Judged("p", candidates(scores), ratings=[Rated(*item) for item in scores.items()])


def ballots(*given: tuple[int, str]) -> Judged:
    """(how many, order best first), each ballot by an annotator of its own."""
    orders = [list(order) for times, order in given for _ in range(times)]
    names = {name for order in orders for name in order}
    rankings = [Ranked(order, str(who)) for who, order in enumerate(orders)]
    return Judged("p", candidates(names), rankings=rankings)


def votes(*outcomes: Outcome, aspects: Sequence[str | None] = ()) -> Judged:
    """Judgments of x and y."""
    given = aspects or [None] * len(outcomes)
    said = [
        Vote("x", "y", outcome, f"ann{i}", aspect)
        for i, (outcome, aspect) in enumerate(zip(outcomes, given, strict=True))
    ]
    return Judged("p", candidates("xy"), said)


def candidates(names: Any) -> dict[str, Candidate]:
    return {name: Candidate(f"text of {name}", f"model of {name}") for name in names}


def ordered(built: Built) -> list[tuple[str, str]]:
    return [(pair.chosen, pair.rejected) for pair in built.pairs]


def gaps(built: Built) -> list[tuple[str, str, float | None]]:
    return [(pair.chosen, pair.rejected, pair.margin) for pair in built.pairs]


values = st.sampled_from([1.0, 2.0, 2.5, 4.0, 1 / 3, 7.0])
names = st.sampled_from(NAMES)
annotators = st.sampled_from(["ann", "bob", None])
aspects = st.sampled_from([None, "style", "truth"])
outcomes: st.SearchStrategy[Outcome] = st.sampled_from(["a", "b", "tie", "both_bad"])


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    """Up to six responses, some saying the same, with labels of all kinds."""
    size = draw(st.integers(2, len(NAMES)))
    own = NAMES[:size]
    who = {
        name: Candidate(
            draw(st.sampled_from("XYZUVW")), draw(st.sampled_from(["m1", "m2", None])),
            {"reward": draw(values)} if draw(st.booleans()) else {},
        )
        for name in own
    }  # fmt: skip
    labels = [draw(votes_of(own)) for _ in range(draw(st.integers(0, 8)))]
    ratings = [
        Rated(draw(st.sampled_from(own)), draw(values), draw(annotators), draw(aspects), (1, 7))
        for _ in range(draw(st.integers(0, 12)))
    ]
    thumbs = [
        Rated(draw(st.sampled_from(own)), draw(st.sampled_from([0.0, 1.0])), "t", None, (0, 1))
        for _ in range(draw(st.integers(0, 8)))
    ]
    rankings = [Ranked(draw(rankings_of(own)), f"r{i}") for i in range(draw(st.integers(0, 5)))]
    better = draw(st.sets(st.sampled_from(own)))
    gold = [(sorted(better), sorted(set(own) - better))]
    return Judged("p", who, labels, [*ratings, *thumbs], rankings, gold)


@st.composite
def votes_of(draw: st.DrawFn, own: Sequence[str]) -> Vote:
    """A judgment of two different ones."""
    a, b, *_ = draw(st.permutations(own))
    strength = draw(st.none() | st.sampled_from([1.0, 3.0]))
    return Vote(a, b, draw(outcomes), draw(annotators), draw(aspects), strength)


@st.composite
def rankings_of(draw: st.DrawFn, own: Sequence[str]) -> list[list[str]]:
    """Tiers of at least two of the responses."""
    order = draw(st.permutations(own))[: draw(st.integers(2, len(own)))]
    cuts = draw(st.lists(st.booleans(), min_size=len(order) - 1, max_size=len(order) - 1))
    found = [[order[0]]]
    for name, cut in zip(order[1:], cuts, strict=True):
        if cut:
            found.append([name])
        else:
            found[-1].append(name)
    return found


def shuffled(given: Judged, draw: Any) -> Judged:
    """The same labels in another order."""
    return Judged(
        given.prompt_id,
        dict(draw(st.permutations(list(given.candidates.items())))),
        draw(st.permutations(given.votes)),
        draw(st.permutations(given.ratings)),
        draw(st.permutations(given.rankings)),
        draw(st.permutations(given.gold)),
    )


def turned(given: Judged) -> Judged:
    """Every judgment with its sides exchanged: it says the same."""
    exchanged: dict[Outcome, Outcome] = {"a": "b", "b": "a", "tie": "tie", "both_bad": "both_bad"}
    sides = [
        vote._replace(a=vote.b, b=vote.a, outcome=exchanged[vote.outcome]) for vote in given.votes
    ]
    return replace(given, votes=sides)


def mirrored(given: Judged) -> Judged:
    """Every label says the opposite."""
    sides = [vote._replace(a=vote.b, b=vote.a) for vote in given.votes]
    ratings = [rating._replace(value=1.0 - rating.value) for rating in given.ratings]
    rankings = [ranking._replace(tiers=ranking.tiers[::-1]) for ranking in given.rankings]
    gold = [(worse, better) for better, worse in given.gold]
    own = {
        name: one._replace(scores={key: -value for key, value in one.scores.items()})
        for name, one in given.candidates.items()
    }
    return Judged(given.prompt_id, own, sides, ratings, rankings, gold)
