"""L06 as an order of review: who labels which pair, in simulation and on LLMBar."""

import os
from pathlib import Path

import numpy as np
import pytest

from curation.audit.posterior import Posterior, posterior
from curation.audit.questions import BOTH_BAD, UNKNOWN, Ballots, Questions, draw_anchors
from curation.consensus.votes import NONE, A, Anchors, B, Votes
from curation.items import Floats
from curation.review.hybrid import HUMAN, STANDS, Prices, error_shift, routed
from service.audit.collect import Collector

DATA = os.environ.get("PREFSIFT_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data"


def asked(judged: list[tuple[int, int, int]], n: int, kinds: list[str]) -> Questions:
    """Of (item, annotator, said)."""
    items, who, said = (np.array(each, np.int64) for each in zip(*judged, strict=True))
    votes = Votes(items, who, said, n, len(kinds))
    ballots = Ballots(votes, np.zeros(len(items)), [f"m{i}" for i in range(len(kinds))], kinds)
    rows = np.arange(n)
    return Questions(
        np.zeros(n, np.int64), np.ones(n, np.int64), rows, 2 * rows, 2 * rows + 1,
        np.full(n, UNKNOWN), ballots, np.ones(n, bool),
    )  # fmt: skip


def believing(p_a: list[float], reliability: list[float]) -> Posterior:
    return Posterior(np.array(p_a), "glad", np.array(reliability), {})


def prices(*models: float, human: float = 1.0) -> Prices:
    return Prices(human, np.array(models, np.float64))


def test_the_surest_stands_the_doubtful_goes_to_a_human_and_the_rest_to_a_model() -> None:
    questions = asked([(0, 0, A), (1, 0, B), (2, 0, A)], 3, ["model", "model"])
    found = believing([0.99, 0.5, 0.6], [0.7, 0.9])
    plan = routed(
        questions, found, NONE, ["model"] * 2, None, prices(np.nan, 0.1), 1.1, np.arange(3)
    )
    assert plan.rows.tolist() == [1, 2, 0]
    assert plan.who.tolist() == [HUMAN, 1, STANDS]
    assert plan.cost.tolist() == [1.0, 0.1, 0.0]
    assert plan.before == pytest.approx([0.5, 0.6, 0.99])
    assert plan.after == pytest.approx([1.0, 0.9, 0.99])
    assert plan.voice.tolist() == [0, 0, 0]
    assert np.isnan(plan.told)


def test_a_model_is_not_asked_twice_and_nobody_without_a_price() -> None:
    questions = asked([(0, 0, A), (0, 1, A)], 2, ["model", "human"])
    found = believing([0.6, 0.6], [0.9, 0.9])
    rows = np.arange(2)
    plan = routed(questions, found, NONE, ["model", "human"], None, prices(0.1, np.nan), 0.5, rows)
    assert dict(zip(plan.rows.tolist(), plan.who.tolist(), strict=True)) == {0: STANDS, 1: 0}
    nobody = prices(np.nan, np.nan)
    plan = routed(questions, found, NONE, ["model", "human"], None, nobody, 0.5, rows)
    assert plan.who.tolist() == [STANDS, STANDS]
    assert plan.cost.sum() == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_plan_spends_no_more_than_the_budget(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, kinds = 40, ["model", "score", "human"]
    judged = [
        (i, j, int(rng.integers(2))) for i in range(n) for j in range(3) if rng.random() < 0.4
    ]
    found = believing(rng.random(n).tolist(), rng.uniform(0.4, 1, 3).tolist())
    questions = asked(judged, n, kinds)
    rows, budget = np.arange(n), float(rng.uniform(0, 10))
    plan = routed(questions, found, NONE, kinds, None, prices(0.05, 0.3, np.nan), budget, rows)
    assert plan.cost.sum() <= budget + 1e-9
    assert sorted(plan.rows.tolist()) == rows.tolist()
    gained = float((plan.after - plan.before).sum())
    assert 0 <= gained <= plan.bound + 1e-9
    more = routed(questions, found, NONE, kinds, None, prices(0.05, 0.3, np.nan), budget + 5, rows)
    assert float((more.after - more.before).sum()) >= gained - 1e-9


def erring(seed: int, planted: bool, n: int = 400) -> tuple[Questions, Posterior, Anchors, Floats]:
    """One model: wrong on a tenth of the pairs, or on half of those in the top third of the first
    measure; 200 pairs are verified."""
    rng = np.random.default_rng(seed)
    measures = rng.normal(size=(n, 4))
    top = measures[:, 0] > np.quantile(measures[:, 0], 2 / 3)
    wrong = rng.random(n) < (np.where(top, 0.5, 0.02) if planted else 0.1)
    questions = asked([(i, 0, int(wrong[i])) for i in range(n)], n, ["model"])
    known = Anchors(np.arange(200), np.ones(200, bool))
    return questions, believing([0.8] * n, [0.85]), known, measures


@pytest.mark.parametrize("seed", range(5))
def test_features_move_belief_only_where_they_tell_when_models_err(seed: int) -> None:
    questions, found, known, measures = erring(seed, planted=True)
    shift, told = error_shift(questions, found, known, ["model"], measures)
    top = measures[:, 0] > np.quantile(measures[:, 0], 2 / 3)
    assert told > 0
    assert shift[top].max() < shift[~top].min()
    questions, found, known, measures = erring(seed, planted=False)
    shift, told = error_shift(questions, found, known, ["model"], measures)
    assert np.abs(shift).max() == 0
    assert told < 0.05


@pytest.mark.realdata
def test_on_llmbar_a_routed_budget_repairs_more_than_a_random_one() -> None:
    """20 of about 200 pairs for humans. Seeds 0..4 of 30 verified answers."""
    collector, path = Collector(), Path(DATA, "llmbar") / "natural_neighbor.jsonl.gz"
    collector.file(path, path.name, None)
    questions = collector.questions()
    assert BOTH_BAD not in questions.labels
    kinds = list(questions.votes.kinds)
    share: list[float] = []
    open_pairs = len(questions) - 30
    for seed in range(5):
        known = draw_anchors(questions.truth, 30, seed)
        found = posterior(questions, known, ridge=3.0)
        rows = np.setdiff1d(np.arange(len(questions)), known.items)
        plan = routed(
            questions, found, known, kinds, None, prices(*[np.nan] * len(kinds)), 20.0, rows
        )
        wrong = (found.p_a > 0.5) != (questions.truth == A)
        humans = plan.rows[plan.who == HUMAN]
        assert len(humans) == 20
        share.append(wrong[humans].sum() / wrong[rows].sum())
    assert np.mean(share) > 3 * 20 / open_pairs
