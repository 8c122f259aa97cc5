"""Which of two responses the stored labels of a record prefer, and who said what about them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any, NamedTuple

from service.export.plain import plain
from service.formats.fields import turns_of
from service.formats.record import Annotator, Comparison, Rating, Record, Relabel, Response
from service.tables.labels import Outcome

TURNED = {Outcome.a: Outcome.b, Outcome.b: Outcome.a}
TURNED_SHOWN = {"ab": "ba", "ba": "ab"}
ID_DIGITS = 16


class Contest(NamedTuple):
    """Two different responses. Each comparison has `better` as its a and `worse` as its b.

    `soft_label` = P(better) by the votes, a tie as half a vote for each, in 0.5..1;
    `margin` = mean strength for better, None where nobody gave one; `flip_rate` = share of the
    annotators who saw both orders that said different things, None where nobody saw both. Where
    an overlay decides, `better` and `soft_label` are its, and `decided`; the comparisons stay.
    """

    better: Response
    worse: Response
    comparisons: tuple[Comparison, ...]
    soft_label: float
    margin: float | None
    flip_rate: float | None
    decided: bool = False

    @property
    def is_tie(self) -> bool:
        return self.soft_label == 0.5


def contests(record: Record) -> Iterator[Contest]:
    """Pairs with a verdict, in the order of the record's responses; ties are among them. Those
    that an overlay drops are not."""
    over = {frozenset((each.a, each.b)): each for each in record.overlay}
    order = {response.id: index for index, response in enumerate(record.responses)}
    found: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for each in judgments(record):
        said = each if order[each.a] < order[each.b] else turned(each)
        found[said.a, said.b].append(said)
    for (a, b), said in sorted(
        found.items(), key=lambda each: (order[each[0][0]], order[each[0][1]])
    ):
        first, second = record.responses[order[a]], record.responses[order[b]]
        relabel = over.get(frozenset((a, b)))
        if first.content() == second.content() or (relabel is not None and relabel.drop):
            continue
        by_votes = contest(first, second, said)
        yield by_votes if relabel is None else overruled(by_votes, relabel)


def overruled(found: Contest, relabel: Relabel) -> Contest:
    """As the overlay says. A margin for the other side is none for this."""
    if relabel.outcome not in TURNED:
        return found._replace(soft_label=0.5, margin=None, decided=True)
    winner = relabel.a if relabel.outcome is Outcome.a else relabel.b
    sure = 1.0 if relabel.p is None else relabel.p
    if winner == found.better.id:
        margin = found.margin if found.margin is None or found.margin >= 0 else None
        return found._replace(soft_label=sure, margin=margin, decided=True)
    comparisons = tuple(map(turned, found.comparisons))
    return Contest(
        found.worse, found.better, comparisons, sure, None, found.flip_rate, decided=True
    )


def contest(first: Response, second: Response, said: Sequence[Comparison]) -> Contest:
    votes = [{Outcome.a: 1.0, Outcome.b: 0.0}.get(each.outcome, 0.5) for each in said]
    share = fmean(votes)
    if share < 0.5:
        return contest(second, first, [turned(each) for each in said])
    strengths = [
        each.strength if each.outcome is Outcome.a else -each.strength
        for each in said
        if each.strength is not None and each.outcome in TURNED
    ]
    margin = fmean(strengths) if strengths else None
    return Contest(first, second, tuple(said), share, margin, flip_rate(said))


def told(record: Record, tells: Callable[[Contest], int]) -> dict[str, int]:
    """Labels that can be told from rows of contests; `tells` is of how many judgments of one.

    Rankings can where every pair of them can. Of ratings, only their differences remain.
    """
    count = sum(map(tells, contests(record)))
    if any(each.aspect is None for each in record.comparisons):
        return {"comparisons": count}
    overall = sum(each.aspect is None for each in record.rankings)
    return {"rankings": overall} if count and count == len(judgments(record)) else {}


def agreed(found: Contest) -> int:
    """The judgments of a contest that its share of votes tells: all, where all say the same.

    A share of one half can't tell both bad from ties, and what an overlay says no judgment.
    """
    if found.decided:
        return 0
    said = {each.outcome for each in found.comparisons}
    return len(found.comparisons) if said in ({Outcome.a}, {Outcome.tie}) else 0


def alone(ratings: Iterable[Rating]) -> dict[str, int]:
    """Those that a mean over annotators tells: one of a response, turn and aspect."""
    given = Counter((each.response, each.turn, each.aspect) for each in ratings)
    return {"ratings": sum(count == 1 for count in given.values())}


def judgments(record: Record) -> list[Comparison]:
    """Overall comparisons; else what the rankings, else the overall ratings say of each pair.

    The strength of two ratings is their difference, of one annotator on one scale.
    """
    given = [each for each in record.comparisons if each.aspect is None]
    return given or [*from_rankings(record)] or [*from_ratings(record)]


def from_rankings(record: Record) -> Iterator[Comparison]:
    for label in record.rankings:
        if label.aspect is None:
            ranks = {id: rank for rank, tier in enumerate(label.tiers) for id in tier}
            for a, b in combinations(ranks, 2):
                outcome = Outcome.tie if ranks[a] == ranks[b] else Outcome.a
                yield Comparison(label.annotator, None, label.rationale, a, b, outcome)


def from_ratings(record: Record) -> Iterator[Comparison]:
    found: dict[Any, dict[str, Rating]] = defaultdict(dict)
    for label in record.ratings:
        if label.aspect is None and label.response is not None and label.turn is None:
            found[label.annotator, label.scale][label.response] = label
    for (annotator, _), ratings in found.items():
        for a, b in combinations(ratings, 2):
            gap = ratings[a].value - ratings[b].value
            outcome = Outcome.a if gap > 0 else Outcome.b if gap < 0 else Outcome.tie
            yield Comparison(annotator, None, None, a, b, outcome, abs(gap))


def turned(said: Comparison) -> Comparison:
    """The same judgment with a and b exchanged; strengths are of whoever won."""
    return Comparison(
        said.annotator, said.aspect, said.rationale, said.b, said.a,
        TURNED.get(said.outcome, said.outcome), said.strength,
        TURNED_SHOWN.get(said.shown or "", said.shown),
    )  # fmt: skip


def flip_rate(said: Sequence[Comparison]) -> float | None:
    """The share of annotators whom the order of the two turns round, in 0..1."""
    orders: dict[Any, dict[str, Outcome]] = defaultdict(dict)
    for each in said:
        if each.annotator is not None and each.shown is not None:
            orders[each.annotator].setdefault(each.shown, each.outcome)
    both = [len({*found.values()}) > 1 for found in orders.values() if len(found) == 2]
    return fmean(both) if both else None


def aspects(record: Record) -> dict[str, dict[str, float]]:
    """By response id: the mean rating of each aspect, "overall" for ratings of none."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for label in record.ratings:
        if label.response is not None and label.turn is None:
            found[label.response][label.aspect or "overall"].append(label.value)
    return {
        id: {aspect: fmean(values) for aspect, values in sorted(given.items())}
        for id, given in found.items()
    }


def pseudonym(annotator: Annotator) -> str:
    """The same in every file, so that histories join; who knows the names can recompute it."""
    return digest("annotator", annotator.kind, annotator.name)


def pair_name(prompt_id: str, contest: Contest) -> str:
    """Of the prompt and the two texts, whichever is better."""
    texts = sorted(repr(each.content()) for each in (contest.better, contest.worse))
    return digest("pair", prompt_id, *texts)


def digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:ID_DIGITS]


def three_columns(record: Record, better: Response, worse: Response) -> dict[str, Any]:
    return {
        "prompt": plain(record.messages),
        "chosen": plain(turns_of(better)),
        "rejected": plain(turns_of(worse)),
    }
