"""W01: how much a pair of a ranked list counts, by the discounted gain of putting it right."""

from collections import Counter
from math import log, nan
from statistics import fmean

from curation.pairing.labels import Judged
from curation.pairing.order import Order
from curation.pairing.percentiles import Percentiles, percentiles
from curation.pairing.rankings import Rankings
from curation.pairing.ratings import Ratings


def lambda_weight(gain: tuple[float, float], rank: tuple[int, int]) -> float:
    """|2^ψi − 2^ψj| · |1/D(τi) − 1/D(τj)|, D(τ) = ln(1 + τ) (LiPO, arXiv 2402.01878).

    `gain` ψ of both, 0..1; `rank` τ of both by the current model's score, from 1, the best.
    """
    if min(rank) < 1:
        raise ValueError("ranks start at 1: the first one's discount would be infinite")
    discounts = [1 / log(1 + each) for each in rank]
    return abs(2 ** gain[0] - 2 ** gain[1]) * abs(discounts[0] - discounts[1])


def list_weight(judged: Judged, chosen: str, rejected: str) -> float:
    """ψ are the labels (a ranking, else ratings, else the scores) as percentiles of the prompt's
    list; τ the order of the imported scores, the labels' own where there are none."""
    scores = first(Percentiles(), judged)
    labels = first(Rankings(), judged) or first(Ratings(), judged) or scores
    order = scores or labels
    if labels is None or order is None or not {chosen, rejected} <= labels.keys() & order.keys():
        return nan
    places = percentiles(labels)
    most = max(len(labels) - 1, 1)
    gains = [(places[id] * len(labels) - 1) / most for id in (chosen, rejected)]
    ranked = sorted((-score, id) for id, score in order.items())
    rank = {id: place for place, (_, id) in enumerate(ranked, start=1)}
    return lambda_weight((gains[0], gains[1]), (rank[chosen], rank[rejected]))


def first(order: Order, judged: Judged) -> dict[str, float] | None:
    """The mean of the order's lists, by response."""
    lists = [scored.scores for scored in order.lists(judged, Counter())]
    ids = {id for scores in lists for id in scores}
    means = {id: fmean(scores[id] for scores in lists if id in scores) for id in ids}
    return means or None
