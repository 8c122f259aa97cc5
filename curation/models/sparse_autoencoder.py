"""S15: a signed BatchTopK autoencoder of embedding differences, trained with torch."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from curation.items import Floats
from curation.models.device import Device, limit_threads, resolve
from curation.structure.dictionary import Sparse, independent, scaled

LEARNING_RATE = 5e-4
BATCH = 256
EPOCHS, PATIENCE = 50, 3
LEAST_STEPS, MOST_STEPS = 500, 4000  # small sets get more epochs, large ones fewer
DEAD_AFTER = 64  # steps without activation
AUXILIARY = 1 / 32
HELD_OUT = 0.1
MOST_ROWS = 65_536  # that are trained on, drawn at random; bounds time and memory
BLOCK = 16_384


@dataclass(frozen=True)
class Weights:
    """`encoder` (d, M), `decoder` (M, d) with rows of unit length."""

    encoder: torch.Tensor
    decoder: torch.Tensor


def autoencoder(
    differences: Floats,
    *,
    features: int = 32,
    active: int = 4,
    seed: int = 0,
    device: Device = "auto",
) -> Sparse:
    """Features of `differences` (n, d), on average `active` of them in a row.

    Encoder and decoder have no biases: a − b and b − a have opposite activations, exactly, and the
    loss on {e, −e} is that on e. The first quarter of the features must reconstruct by itself, too
    (Matryoshka). In training the `active` · batch largest |activations| of a batch are kept; after
    it those above the threshold that keeps as many of the training rows. Features that were silent
    for 64 steps learn from the residual. What's In My Human Feedback?, arXiv 2510.26202.
    """
    limit_threads()
    place = resolve(device)
    rows, size = scaled(differences)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))[:MOST_ROWS]
    held = max(1, int(len(order) * HELD_OUT))
    if len(order) - held < features:
        raise ValueError(f"{len(rows)} rows are too few for {features} features")
    chosen = torch.from_numpy(rows[order].astype(np.float32)).to(place)
    weights = started(rows[order[held:]], features, place)
    trained = train(chosen[held:], chosen[:held], weights, active, rng)
    threshold = float(kept_threshold(encode(chosen[held:], trained), active))
    activations = in_blocks(rows, trained, threshold, place)
    decoder = trained.decoder.cpu().numpy().astype(np.float64)
    return Sparse.of(rows, activations, decoder, size)


def started(rows: Floats, features: int, place: torch.device) -> Weights:
    """Independent components: from random rows it takes three times the steps."""
    atoms = independent(rows, features).astype(np.float32)
    decoder = torch.from_numpy(atoms).to(place)
    return Weights(decoder.T.clone().requires_grad_(), decoder.clone().requires_grad_())


def normalised(decoder: torch.Tensor) -> torch.Tensor:
    return decoder / decoder.norm(dim=1, keepdim=True).clamp_min(1e-12)


def train(
    rows: torch.Tensor, held: torch.Tensor, weights: Weights, active: int, rng: np.random.Generator
) -> Weights:
    """The weights of the epoch that reconstructs the held-out rows best."""
    adam = torch.optim.Adam([weights.encoder, weights.decoder], lr=LEARNING_RATE)
    silent = torch.zeros(len(weights.decoder), dtype=torch.long, device=rows.device)
    steps = -(-len(rows) // BATCH)
    best, kept, patience = float("inf"), copied(weights), 0
    for epoch in range(-(-min(max(EPOCHS * steps, LEAST_STEPS), MOST_STEPS) // steps)):
        order = torch.from_numpy(rng.permutation(len(rows))).to(rows.device)
        for start in range(0, len(rows), BATCH):
            step(rows[order[start : start + BATCH]], weights, active, silent, adam)
        with torch.no_grad():
            loss = float(reconstruction(held, top(encode(held, weights), active), weights.decoder))
        patience = 0 if loss < best - 1e-6 else patience + 1
        if loss < best:
            best, kept = loss, copied(weights)
        if patience >= PATIENCE and (epoch + 1) * steps >= LEAST_STEPS:
            break
    return kept


def step(
    batch: torch.Tensor,
    weights: Weights,
    active: int,
    silent: torch.Tensor,
    adam: torch.optim.Adam,
) -> None:
    """One batch; `silent` counts the steps since each feature was active."""
    raw = encode(batch, weights)
    code = top(raw, active)
    loss = reconstruction(batch, code, weights.decoder)
    dead = silent > DEAD_AFTER
    if bool(dead.any()):
        residual = (batch - code @ weights.decoder).detach()
        revived = top(raw * dead, active)
        loss = loss + AUXILIARY * error(residual, revived @ weights.decoder)
    adam.zero_grad()
    loss.backward()
    adam.step()
    with torch.no_grad():
        weights.decoder.copy_(normalised(weights.decoder))
        silent += 1
        silent[(code != 0).any(dim=0)] = 0


def encode(rows: torch.Tensor, weights: Weights) -> torch.Tensor:
    return rows @ weights.encoder


def top(raw: torch.Tensor, active: int) -> torch.Tensor:
    """BatchTopK: the `active` · rows largest of all |activations|, the others 0."""
    return torch.where(raw.abs() >= kept_threshold(raw, active), raw, torch.zeros_like(raw))


def kept_threshold(raw: torch.Tensor, active: int) -> torch.Tensor:
    kept = min(active * len(raw), raw.numel())
    return raw.detach().abs().flatten().topk(kept).values[-1].clamp_min(1e-12)


def reconstruction(rows: torch.Tensor, code: torch.Tensor, decoder: torch.Tensor) -> torch.Tensor:
    """Mean over the two prefixes of the share of the rows' energy that is left."""
    first = max(len(decoder) // 4, 1)
    return (error(rows, code[:, :first] @ decoder[:first]) + error(rows, code @ decoder)) / 2


def error(rows: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    return ((rows - by) ** 2).sum() / (rows**2).sum().clamp_min(1e-12)


def copied(weights: Weights) -> Weights:
    return Weights(weights.encoder.detach().clone(), weights.decoder.detach().clone())


@torch.no_grad()
def in_blocks(
    rows: Floats, weights: Weights, threshold: float, place: torch.device
) -> NDArray[np.float64]:
    found = np.zeros((len(rows), len(weights.decoder)))
    for start in range(0, len(rows), BLOCK):
        block = torch.from_numpy(rows[start : start + BLOCK].astype(np.float32)).to(place)
        raw = encode(block, weights)
        code = torch.where(raw.abs() >= threshold, raw, torch.zeros_like(raw))
        found[start : start + BLOCK] = code.cpu().numpy()
    return found
