"""65 judge set-ups with shared biases, and a verified answer for each pair."""

import gzip
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from curation.consensus import Votes
from curation.consensus.anchored import anchored
from curation.consensus.majority import majority
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import Anchors
from curation.items import Floats

pytestmark = pytest.mark.realdata
ANCHORS, FLIPPED, SEEDS = 30, 0.2, 10


class Judged(NamedTuple):
    votes: Votes
    gold: Floats  # 1: the first response is better, −1: the second


@pytest.fixture(scope="module")
def judged(data: Path) -> Judged:
    with gzip.open(data / "llmbar" / "natural_neighbor.jsonl.gz") as file:
        rows = [json.loads(line) for line in file]
    names = sorted({vote["annotator"] for row in rows for vote in row["comparisons"]})
    table = [
        (item, names.index(vote["annotator"]), {"a": 0, "b": 1}.get(vote["outcome"], 2))
        for item, row in enumerate(rows)
        for vote in row["comparisons"]
    ]
    items, annotators, said = np.array(table, np.int64).T
    gold = np.array([1.0 if row["gold"]["better"] == ["r0"] else -1.0 for row in rows])
    return Judged(Votes(items, annotators, said, len(rows), len(names)), gold)


def flips_found(p_a: Floats, gold: Floats, seed: int, rows: NDArray[np.bool_]) -> float:
    """AUROC of finding labels that were flipped on purpose."""
    flipped = np.random.default_rng(seed).random(len(gold)) < FLIPPED
    label = np.where(flipped, -gold, gold)
    return float(roc_auc_score(flipped[rows], -(label * (p_a - 0.5))[rows]))


def test_without_anchors_the_shared_bias_wins(judged: Judged) -> None:
    """The oracles: mean vote .746, EM .60."""
    every = np.ones(len(judged.gold), bool)

    def score(p_a: Floats) -> float:
        return float(np.mean([flips_found(p_a, judged.gold, seed, every) for seed in range(20)]))

    assert score(majority(judged.votes).p_a) == pytest.approx(0.746, abs=0.02)
    assert score(one_coin(judged.votes).p_a) == pytest.approx(0.60, abs=0.03)


def test_thirty_anchors_find_the_flips_and_the_good_judges(judged: Judged) -> None:
    votes, gold = judged
    truth = ((votes.signed.toarray() * gold[:, None] + 1) / 2).mean(axis=0)
    found: list[float] = []
    related: list[float] = []
    for seed in range(SEEDS):
        chosen = np.random.default_rng(seed).choice(len(gold), ANCHORS, replace=False)
        consensus = anchored(votes, Anchors(chosen, gold[chosen] > 0))
        hidden = np.ones(len(gold), bool)
        hidden[chosen] = False
        found.append(flips_found(consensus.p_a, gold, seed + 100, hidden))
        related.append(float(np.corrcoef(consensus.reliability, truth)[0, 1]))
    assert np.mean(found) > 0.95
    assert np.mean(related) > 0.9
