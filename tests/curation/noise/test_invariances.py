"""What may not matter to a detector of wrong labels: names, sides and the order of rows."""

import numpy as np
import pytest
from scipy.special import expit

from curation.noise.confident import confident_errors
from curation.noise.conformal import select, select_flips
from curation.noise.contradictions import repeated, tension
from curation.noise.em import denoise, sharpened

N = 300


def scored(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=N) * 3
    return margin, (rng.random(N) < expit(margin)) ^ (rng.random(N) < 0.2)


def test_confident_learning_knows_no_side() -> None:
    margin, label = scored(0)
    there, back = confident_errors(expit(margin), label), confident_errors(expit(-margin), ~label)
    assert np.array_equal(there.wrong, back.wrong)
    assert there.errors == pytest.approx(back.errors)


def test_em_knows_no_order_and_no_names() -> None:
    margin, label = scored(1)
    towards, who = np.where(label, margin, -margin), np.arange(N) % 7
    rng = np.random.default_rng(0)
    rows, names = rng.permutation(N), rng.permutation(7)

    def found(m: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        run = denoise(expit(m), k, oof_accuracy=0.9, refit=sharpened(m))
        return run.p_correct, run.reliability

    there, back = found(towards, who), found(towards[rows], names[who[rows]])
    assert back[0] == pytest.approx(there[0][rows], abs=1e-6)
    assert back[1][names] == pytest.approx(there[1], abs=1e-6)


def test_a_certificate_depends_on_ranks_alone() -> None:
    margin, label = scored(2)
    right = label == (margin > 0)
    rows = np.random.default_rng(1).permutation(150)
    for choose in (select, select_flips):
        there = choose(margin[150:], margin[:150], right[:150], 0.2).kept
        scale = choose(np.exp(margin[150:]), np.exp(margin[:150]), right[:150], 0.2).kept
        order = choose(margin[150:][rows], margin[:150][rows], right[:150][rows], 0.2).kept
        assert np.array_equal(scale, there)
        assert np.array_equal(order, there[rows])


def test_contradictions_and_tension_know_no_side() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 6, N), rng.integers(6, 12, N)
    said, turn = rng.choice([-1.0, 1.0], N), rng.random(N) < 0.5
    one, other = np.where(turn, b, a), np.where(turn, a, b)
    turned = np.where(turn, -said, said)
    assert tension(one, other, turned) == pytest.approx(tension(a, b, said), abs=1e-6)
    names = rng.permutation(12)
    assert tension(names[a], names[b], said) == pytest.approx(tension(a, b, said), abs=1e-6)
    prompts = ["q"] * N
    there = repeated(prompts, a.tolist(), b.tolist(), said > 0)
    back = repeated(prompts, one.tolist(), other.tolist(), turned > 0)
    assert np.array_equal(there[0], back[0])
    assert there[1] == pytest.approx(back[1])
