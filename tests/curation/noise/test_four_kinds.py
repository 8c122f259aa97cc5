"""Four kinds of label noise through every detector: what is found, and what has to be refused."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from curation.audit.posterior import posterior
from curation.consensus import Votes
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.majority import majority
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.noise.confident import confident_errors
from curation.noise.conformal import select, select_flips
from curation.noise.em import Denoised, denoise, sharpened
from curation.structure.factors import factors
from tests.curation.audit.test_posterior import asked
from tests.curation.noise.simulated import NAMES, Kind, Labelled, cross_fitted, labelled

RATE = 0.2
every_kind = pytest.mark.parametrize(
    "kind", ["symmetric", "hard", "annotators", "length", "position"]
)


def by_em(found: Labelled, *, annotators: bool = False) -> Denoised:
    margin = cross_fitted(found)
    who = found.who if annotators else None
    accuracy = float((margin > 0).mean())
    return denoise(expit(margin), who, oof_accuracy=accuracy, refit=sharpened(margin))


def auroc(wrong: np.ndarray, p_correct: np.ndarray) -> float:
    return float(roc_auc_score(wrong, -p_correct))


@every_kind
def test_wrong_labels_come_first_whatever_made_them_wrong(kind: Kind) -> None:
    """By chance .5; what the labels share (length) is learnt as taste and hardest to see."""
    found = labelled(kind)
    least = {"symmetric": 0.82, "hard": 0.75, "annotators": 0.82, "length": 0.75, "position": 0.82}
    assert found.wrong.mean() == pytest.approx(RATE, abs=0.02)
    assert auroc(found.wrong, by_em(found).p_correct) > least[kind]


@every_kind
def test_clean_labels_are_called_clean(kind: Kind) -> None:
    found = by_em(labelled(kind, rate=0.0))
    assert found.noise_rate is not None
    assert found.noise_rate < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_the_rate_of_symmetric_noise_is_found_by_em_and_by_confident_learning(seed: int) -> None:
    found = labelled("symmetric", seed=seed)
    margin = cross_fitted(found)
    assert by_em(found).noise_rate == pytest.approx(RATE, abs=0.03)
    p_a = expit(np.where(found.says_a, margin, -margin))
    assert confident_errors(p_a, found.says_a).rate == pytest.approx(RATE, abs=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_errors_on_hard_pairs_hide_in_doubt_so_the_rate_is_a_lower_bound(seed: int) -> None:
    """Where the scorer is unsure anyway a wrong label costs it nothing."""
    rate = by_em(labelled("hard", seed=seed)).noise_rate
    assert rate is not None
    assert 0 <= rate < RATE - 0.05


def test_annotators_that_err_are_told_apart_and_that_helps_with_their_labels() -> None:
    found = labelled("annotators", n=8000)
    alone, told = by_em(found), by_em(found, annotators=True)
    assert np.corrcoef(told.reliability, found.right)[0, 1] > 0.95
    assert told.noise_rate == pytest.approx(RATE, abs=0.03)
    assert auroc(found.wrong, told.p_correct) > auroc(found.wrong, alone.p_correct)


@every_kind
def test_the_promise_of_a_certificate_holds_for_every_kind(kind: Kind) -> None:
    """Calibrated on verified answers of the same set the kind of noise does not matter."""
    alpha, shares, flips = 0.1, [], []
    for seed in range(20):
        found = labelled(kind, n=1500, seed=seed)
        margin, known = cross_fitted(found), np.arange(1500) < 400
        kept = select(margin[~known], margin[known], ~found.wrong[known], alpha).kept
        turned = select_flips(margin[~known], margin[known], ~found.wrong[known], alpha).kept
        shares.append(found.wrong[~known][kept].mean() if kept.any() else 0.0)
        flips.append((~found.wrong[~known][turned]).mean() if turned.any() else 0.0)
    for realised in (shares, flips):
        assert np.mean(realised) <= alpha + 2 * np.std(realised) / np.sqrt(len(realised))


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_follow_length_show_it_as_their_first_factor(seed: int) -> None:
    found = labelled("length", rate=0.45, seed=seed)
    first = factors(NAMES, found.x, found.says_a, permutations=200)[0]
    assert (first.name, first.p_value < 0.01, first.win_rate > 0.6) == ("length", True, True)
    clean = factors(NAMES, found.x, found.a_better, permutations=200)
    length = next(factor for factor in clean if factor.name == "length")
    assert length.p_value > 0.05


def crowd(said_a: np.ndarray) -> Votes:
    n, k = said_a.shape
    said = np.where(said_a, 0, 1).ravel()
    return Votes(np.repeat(np.arange(n), k), np.tile(np.arange(k), n), said, n, k)


def crowd_by_position(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seven voters, right 8 times in 10 but for the 4 in 10 votes that take the first one shown."""
    rng = np.random.default_rng(seed)
    truth, first = rng.random(400) < 0.5, rng.choice([-1.0, 1.0], (400, 7))
    right = rng.random((400, 7)) < 0.8
    taken = rng.random((400, 7)) < 0.4
    return truth, first, np.where(taken, first > 0, truth[:, None] == right)


def test_a_crowd_that_takes_what_comes_first_is_refused_a_rate() -> None:
    truth, first, says_a = crowd_by_position(0)
    found = posterior(asked(np.where(says_a, 0, 1), first))
    assert found.bias_possible
    assert any("shown first" in warning for warning in found.warnings)
    right = ((found.p_a > 0.5) == truth).mean()
    assert right > 0.8  # the order is kept, only the number is withheld


def test_dawid_skene_and_bradley_terry_see_the_pull_of_the_place() -> None:
    truth, _, _ = crowd_by_position(1)
    rng = np.random.default_rng(2)
    always = np.where(
        rng.random((400, 7)) < 0.4, True, truth[:, None] == (rng.random((400, 7)) < 0.85)
    )
    votes = crowd(always)  # a is what was shown first
    consensus, confusion = dawid_skene(votes)
    assert (confusion[:, 0, 0] > confusion[:, 1, 1] + 0.15).all()
    by_majority = ((majority(votes).p_a > 0.5) == truth).mean()
    assert ((consensus.p_a > 0.5) == truth).mean() > by_majority + 0.02
    a, b = 2 * votes.items, 2 * votes.items + 1
    given = Judgments(a, b, votes.annotators, votes.said, 800, 7, np.ones(len(votes)))
    strengths = noisy_bradley_terry(given)
    assert strengths.position.min() > 0.3
    items = np.arange(400)
    debiased = strengths.p_a(2 * items, 2 * items + 1) > 0.5
    assert (debiased == truth).mean() > by_majority + 0.02
