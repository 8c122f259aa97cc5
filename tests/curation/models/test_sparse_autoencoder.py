"""S15: planted directions are recovered; signs, seeds, dead features, bounds."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from curation.items import Floats
from curation.models import sparse_autoencoder
from curation.models.sparse_autoencoder import Weights, autoencoder, step, top
from curation.structure import dictionary as light
from curation.structure.dictionary import Sparse, dictionary

Way = Callable[..., Sparse]
both_ways = pytest.mark.parametrize("way", [autoencoder, dictionary])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer steps, and longer ones."""
    monkeypatch.setattr(sparse_autoencoder, "LEAST_STEPS", 100)
    monkeypatch.setattr(sparse_autoencoder, "EPOCHS", 30)
    monkeypatch.setattr(sparse_autoencoder, "LEARNING_RATE", 2e-3)


def planted(n: int = 1000, seed: int = 0) -> tuple[Floats, Floats]:
    """(n, 24) rows, each of eight directions in one of seven of them; the directions."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(24, 8)))[0].T
    size = rng.choice([-1, 1], (n, 8)) * rng.uniform(0.7, 1.3, (n, 8))
    return size * (rng.random((n, 8)) < 1 / 7) @ basis + 0.02 * rng.normal(size=(n, 24)), basis


@both_ways
def test_planted_directions_are_recovered(way: Way) -> None:
    rows, basis = planted()
    found = way(rows, features=8, active=2)
    assert np.abs(basis @ found.decoder.T).max(axis=1).min() > 0.9
    assert found.explained > 0.85
    assert 1.5 <= (found.activations != 0).sum(axis=1).mean() <= 2.5
    assert found.dead == 0
    assert np.linalg.norm(found.decoder, axis=1) == pytest.approx(1, abs=1e-5)


@both_ways
def test_exchanging_a_and_b_turns_the_signs_of_a_row_and_nothing_else(way: Way) -> None:
    rows, _ = planted(400)
    sign = np.where(np.random.default_rng(1).random(len(rows)) < 0.5, -1.0, 1.0)[:, None]
    one, other = way(rows, features=8, active=2), way(rows * sign, features=8, active=2)
    np.testing.assert_allclose(other.activations, one.activations * sign, atol=1e-4)
    np.testing.assert_allclose(other.decoder, one.decoder, atol=1e-4)


@both_ways
def test_a_scale_changes_nothing_and_a_seed_decides(way: Way) -> None:
    rows, _ = planted(400)
    one = way(rows, features=8, active=2, seed=3)
    assert (way(rows, features=8, active=2, seed=3).activations == one.activations).all()
    larger = way(rows * 8, features=8, active=2, seed=3)
    np.testing.assert_allclose(larger.activations, one.activations, atol=1e-6)
    assert larger.size == pytest.approx(8 * one.size)


@both_ways
def test_what_has_no_features_is_refused(way: Way) -> None:
    with pytest.raises(ValueError, match="too few"):
        way(planted(6)[0], features=8, active=2)
    with pytest.raises(ValueError, match="same vector"):
        way(np.zeros((100, 4)), features=2, active=1)
    with pytest.raises(ValueError, match="finite"):
        way(np.full((100, 4), np.nan), features=2, active=1)


@both_ways
def test_rows_beyond_those_learnt_from_are_encoded_in_blocks(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sparse_autoencoder, light):
        monkeypatch.setattr(module, "MOST_ROWS", 700)
        monkeypatch.setattr(module, "BLOCK", 256)
    rows, basis = planted()
    found = way(rows, features=8, active=2)
    assert found.activations.shape == (1000, 8)
    assert np.abs(basis @ found.decoder.T).max(axis=1).min() > 0.9
    assert found.explained > 0.85


def test_the_largest_of_a_batch_are_kept_whichever_row_they_are_in() -> None:
    raw = torch.tensor([[5.0, -4.0, 3.0], [0.1, -0.2, 2.0]])
    assert top(raw, 2).tolist() == [[5, -4, 3], [0, 0, 2]]
    assert top(-raw, 2).tolist() == [[-5, 4, -3], [0, 0, -2]]


@pytest.mark.parametrize(("silent_for", "revived"), [(64, False), (65, True)])
def test_a_feature_silent_for_64_steps_learns_from_the_residual(
    silent_for: int, revived: bool
) -> None:
    eye = torch.eye(4)
    encoder = torch.stack([eye[0], 1e-6 * eye[1]], dim=1).requires_grad_()
    decoder = torch.stack([eye[0], eye[2]]).requires_grad_()
    adam = torch.optim.Adam([encoder, decoder], lr=1e-2)
    batch = torch.cat([eye[:1].repeat(64, 1), 0.3 * eye[1:2].repeat(64, 1)])
    silent = torch.tensor([0, silent_for])
    step(batch[:64] + 0.3 * eye[1], Weights(encoder, decoder), 1, silent, adam)
    moved = float(decoder.detach()[1, 1])
    assert (moved > 1e-4) == revived
    assert silent.tolist() == [0, silent_for + 1]


@pytest.mark.gpu
def test_the_gpu_finds_the_same_features() -> None:
    rows, _ = planted()
    one = autoencoder(rows, features=8, active=2, device="cpu")
    other = autoencoder(rows, features=8, active=2, device="cuda")
    assert np.abs((one.decoder * other.decoder).sum(axis=1)).min() > 0.98
