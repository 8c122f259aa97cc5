"""Every noise method on next to nothing, on constants, and on what is no number."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from curation.items import Floats
from curation.noise.actions import dual_witness, rule
from curation.noise.confident import confident_errors
from curation.noise.conformal import p_values, select, select_flips
from curation.noise.contradictions import repeated, tension
from curation.noise.em import denoise, sharpened
from curation.noise.rate import (
    flip_rate_of,
    from_confident_learning,
    from_gold,
    from_posteriors,
    from_repeats,
)
from curation.noise.robust import conservative_loss, robust_loss, robust_target
from curation.noise.strength import quantile_bands, scaled, soft_labels, strengths
from curation.noise.transitivity import told_by_others

Detector = Callable[[Floats], Floats]


def labels(p: Floats) -> np.ndarray:
    return np.arange(len(p)) % 2 == 0


def ends(p: Floats) -> tuple[np.ndarray, np.ndarray]:
    return 2 * np.arange(len(p)), 2 * np.arange(len(p)) + 1


# (n,) numbers in 0..1 about each label -> (n,) numbers about each label
DETECTORS: dict[str, Detector] = {
    "em": lambda p: denoise(p, oof_accuracy=0.9).p_correct,
    "em with a slope": lambda p: denoise(p, oof_accuracy=0.9, refit=sharpened(2 * p - 1)).p_correct,
    "slope": lambda p: sharpened(2 * p - 1)(p),
    "confident": lambda p: confident_errors(p, labels(p)).wrong.astype(float),
    "kept": lambda p: select(p, p, labels(p)).kept.astype(float),
    "flipped": lambda p: select_flips(p, p, labels(p)).kept.astype(float),
    "p-values": lambda p: p_values(p, p, labels(p)),
    "repeats": lambda p: repeated(["q"] * len(p), ["x"] * len(p), ["y"] * len(p), p > 0.5)[1],
    "tension": lambda p: tension(*ends(p), np.sign(p - 0.5)),
    "graph": lambda p: told_by_others(np.arange(len(p)), *ends(p), np.sign(p - 0.5)),
    "strength": lambda p: strengths(p[:, None], 1 - p[:, None]).mean,
    "bands": lambda p: quantile_bands(p, 5).astype(float),
    "scales": lambda p: scaled(p[:, None])[:, 0],
    "soft labels": lambda p: soft_labels(p[:, None])[1],
    "flip rates": lambda p: flip_rate_of(p),
    "robust target": lambda p: robust_target(p),
}
CASES = {
    "nothing": np.zeros(0), "one": np.array([0.3]), "one that is certain": np.array([0.0]),
    "all even": np.full(30, 0.5), "all certain": np.ones(30), "all impossible": np.zeros(30),
    "certain both ways": np.tile([0.0, 1.0], 15), "two values, copied": np.tile([0.2, 0.9], 20),
}  # fmt: skip
every_detector = pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@every_detector
@pytest.mark.parametrize("case", CASES)
def test_there_is_a_finite_answer_for_each_label_and_equals_stay_equal(
    detector: Detector, case: str
) -> None:
    p = CASES[case]
    found = detector(p)
    assert found.shape == p.shape
    assert np.isfinite(found).all()
    assert np.array_equal(found, detector(p))
    if case.startswith("all"):
        by_label = [found[labels(p)], found[~labels(p)]]  # some tell the two labels apart
        assert all(len(set(part.tolist())) == 1 for part in by_label)


REFUSING = ("em", "em with a slope", "slope", "confident", "kept", "flipped")


@pytest.mark.parametrize("name", REFUSING)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        DETECTORS[name](np.array([0.2, bad, 0.8, 0.4]))


def test_rewards_that_are_missing_say_nothing() -> None:
    none = np.full((3, 2), np.nan)
    assert soft_labels(none)[0].tolist() == [0.5] * 3
    assert soft_labels(none)[1].tolist() == [0.5] * 3
    assert np.isnan(scaled(none)).all()
    found = strengths(none, none)
    assert (found.mean.tolist(), found.vote.tolist()) == ([0] * 3, [0.5] * 3)


def test_losses_of_certain_models_are_finite() -> None:
    for p in (0.0, 1.0):
        for rate in (0.0, 0.2, 0.5, 1.0):
            assert np.isfinite(robust_loss(np.array([p]), rate)).all()
            assert np.isfinite(conservative_loss(np.array([p]), rate)).all()


def test_a_rate_needs_something_to_stand_on() -> None:
    nothing = [
        from_repeats(0, 0), from_repeats(19, 19), from_gold(0, 0), from_gold(19, 19),
        from_posteriors(np.zeros(0), None), from_posteriors(np.ones(9), "not identified"),
        from_confident_learning(lambda _: 0.0, 0, 0.9),
        from_confident_learning(lambda _: 0.0, 100, 0.64),
        from_confident_learning(lambda _: 0.0, 100, float("nan")),
    ]  # fmt: skip
    assert all(rate.rate is None and rate.why for rate in nothing)
    one = from_posteriors(np.array([0.7]), None)
    assert (one.rate, one.low, one.high) == pytest.approx((0.3, 0.3, 0.3))
    certain = from_posteriors(np.ones(50), None)
    assert (certain.rate, certain.low, certain.high) == (0, 0, 0)


def test_rulings_without_witnesses_or_without_labels() -> None:
    assert len(rule(np.zeros(0), {}).actions) == 0
    assert rule(np.array([np.nan, 0.5, 0.0, 1.0]), {}).actions.tolist() == [
        "keep", "soften", "soften", "keep",
    ]  # fmt: skip
    blind = rule(np.array([0.0]), {"one": np.array([np.nan]), "two": np.array([np.nan])})
    assert (blind.actions[0], blind.witnesses[0]) == ("soften", ())
    assert len(dual_witness(np.zeros(0), np.zeros(0))) == 0


@pytest.mark.parametrize("starts", [(0.0,), (1.0,), (0.0, 1.0)])
def test_em_stays_off_the_edges_where_it_could_never_move_again(starts: tuple[float, ...]) -> None:
    p = np.random.default_rng(0).uniform(0.6, 1, 500)
    found = denoise(p, oof_accuracy=0.9, starts=starts)
    assert np.isfinite(found.p_correct).all()
    assert ((found.reliability > 0) & (found.reliability < 1)).all()
