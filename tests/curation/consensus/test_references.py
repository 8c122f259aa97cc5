"""The annotator models against other implementations: crowd-kit, choix, and loops."""

import choix
import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import GLAD, DawidSkene, MajorityVote, OneCoinDawidSkene
from scipy.special import expit

from curation.consensus import Votes
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.majority import majority
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.consensus.one_coin import one_coin
from curation.structure.logistic import fit
from tests.curation.consensus.simulated import world

# crowd-kit calls pandas in ways that it will drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crowdkit")


def frame(votes: Votes) -> pd.DataFrame:
    return pd.DataFrame({"task": votes.items, "worker": votes.annotators, "label": votes.said})


def probabilities(found: pd.DataFrame, votes: Votes) -> np.ndarray:
    return found.reindex(range(votes.n_items))[0].to_numpy()


@pytest.mark.parametrize("seed", range(3))
def test_majority_is_that_of_crowd_kit(seed: int) -> None:
    votes = world(40, 7, 30, seed).votes
    theirs = probabilities(MajorityVote().fit_predict_proba(frame(votes)), votes)
    assert majority(votes).p_a == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(2))
def test_dawid_skene_is_that_of_crowd_kit(seed: int) -> None:
    """Theirs does not smooth the confusions, ours by a hundredth of a vote."""
    votes = world(60, 9, 50, seed).votes
    reference = DawidSkene(n_iter=60, tol=1e-7)
    theirs = probabilities(reference.fit_predict_proba(frame(votes)), votes)
    assert dawid_skene(votes)[0].p_a == pytest.approx(theirs, abs=0.01)


@pytest.mark.parametrize("seed", range(2))
def test_one_coin_is_that_of_crowd_kit(seed: int) -> None:
    """With no prior on skills, as theirs; and every item both ways round, so that their prior of
    the classes, which we don't have, is one half."""
    votes = both_ways(world(30, 7, 25, seed).votes)
    reference = OneCoinDawidSkene(n_iter=60, tol=1e-7)
    theirs = probabilities(reference.fit_predict_proba(frame(votes)), votes)
    ours = one_coin(votes, prior=(1e-9, 1e-9))
    assert ours.p_a == pytest.approx(theirs, abs=0.01)
    skills = reference.skills_
    assert skills is not None
    assert ours.reliability == pytest.approx(skills.reindex(range(7)).to_numpy(), abs=0.01)


def both_ways(votes: Votes) -> Votes:
    items = np.concatenate([votes.items, votes.items + votes.n_items])
    said = np.concatenate([votes.said, 1 - votes.said])
    return Votes(items, np.tile(votes.annotators, 2), said, 2 * votes.n_items, votes.n_annotators)


def test_glad_agrees_with_crowd_kit_on_the_labels_and_on_who_is_able() -> None:
    """The priors differ, so the probabilities do."""
    votes = world(25, 6, 24, seed=1).votes
    reference = GLAD(n_iter=5)
    theirs = probabilities(reference.fit_predict_proba(frame(votes)), votes)
    consensus, ability, _ = glad(votes)
    sure = np.abs(theirs - 0.5) > 0.1
    assert ((consensus.p_a > 0.5) == (theirs > 0.5))[sure].mean() >= 0.95
    alphas = reference.alphas_.reindex(range(6)).to_numpy()
    assert np.corrcoef(ability, alphas)[0, 1] > 0.9


def matches(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    strength = rng.normal(size=12)
    a = rng.integers(0, 12, 900)
    b = (a + rng.integers(1, 12, 900)) % 12
    return a, b, rng.random(900) < expit(strength[a] - strength[b])


@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_bradley_terry_is_that_of_choix(ridge: float) -> None:
    a, b, won = matches(0)
    design = np.zeros((900, 12))
    design[np.arange(900), a], design[np.arange(900), b] = 1, -1
    ours = fit(design * np.where(won, 1.0, -1.0)[:, None], ridge).weights
    data = list(zip(np.where(won, a, b).tolist(), np.where(won, b, a).tolist(), strict=True))
    theirs = choix.opt_pairwise(12, data, alpha=ridge / 2, tol=1e-10)
    assert ours - ours.mean() == pytest.approx(theirs - np.mean(theirs), abs=1e-3)


def test_noisy_bradley_terry_with_one_annotator_ranks_as_choix() -> None:
    """One ability scales all strengths: the order and the spacing stay."""
    a, b, won = matches(1)
    who = np.zeros(900, np.int64)
    ours = noisy_bradley_terry(Judgments(a, b, who, np.where(won, 0, 1), 12, 1)).strength
    data = list(zip(np.where(won, a, b).tolist(), np.where(won, b, a).tolist(), strict=True))
    theirs = choix.opt_pairwise(12, data, alpha=1e-3)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9999


def test_glad_maximises_what_a_sum_over_both_truths_says() -> None:
    """The marginal likelihood written out, and no step in any direction that raises it."""
    votes = world(6, 4, 5, seed=3).votes
    _, ability, ease = glad(votes, iterations=2000)

    def log_posterior(alpha: np.ndarray, log_ease: np.ndarray) -> float:
        total = -((alpha - 1) ** 2).sum() / 2 - (log_ease**2).sum() / (2 * 0.25)
        for item in range(6):
            both = []
            for truth in (0, 1):
                chance = 1.0
                for at in np.flatnonzero(votes.items == item):
                    skill = expit(alpha[votes.annotators[at]] * np.exp(log_ease[item]))
                    chance *= skill if votes.said[at] == truth else 1 - skill
                both.append(chance)
            total += np.log(sum(both))
        return float(total)

    best = log_posterior(ability, np.log(ease))
    rng = np.random.default_rng(0)
    for _ in range(200):
        step, other = rng.normal(size=4) * 0.05, rng.normal(size=6) * 0.05
        assert log_posterior(ability + step, np.log(ease) + other) <= best + 1e-6
