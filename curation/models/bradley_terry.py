"""Many ridge Bradley–Terry models at once: one design, a column of weights a model."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from curation.items import Floats
from curation.models.design import Design, Features, column_count
from curation.models.device import Device, limit_threads

KERNEL_ROWS = 4096  # up to here the dual form is cheaper than a wide design
NEWTON_STEPS = 60
CG_STEPS = 200
HALVINGS = 40
SUFFICIENT = 1e-4  # Armijo
EXACTEST = 1e-5  # relative residual of a step in float32
JITTER = 1e-11


def fit_heads(
    differences: Features, weights: Floats, ridge: float, device: Device = "auto"
) -> NDArray[np.float64]:
    """W (d, B), column b minimising Σ_i s_ib log(1 + exp(−x_i·w_b)) + ridge/2 |w_b|².

    `differences` x (n, d) are features of chosen − rejected, dense or sparse; `weights` s (n, B)
    are not negative. No intercept: exchanging chosen and rejected changes the sign of a margin and
    nothing else. Where nothing can be learnt (no rows, no weight, no difference) w is 0.
    A wide design (n < d) is solved in the span of its rows, the same minimum by the representer
    theorem. Bradley & Terry 1952; the solver is Newton with conjugate gradients.
    """
    if not ridge > 0:
        raise ValueError("ridge must be above 0: without it separable pairs have no minimum")
    cells: Any = differences.data if isinstance(differences, csr_array) else differences
    if not (np.isfinite(cells).all() and np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("features must be finite, weights finite and not negative")
    used = np.flatnonzero(weights.sum(axis=1) > 0)
    columns = column_count(differences)
    if len(used) == 0 or columns == 0:
        return np.zeros((columns, weights.shape[1]))
    limit_threads()
    rows: Any = differences[used]
    if columns <= len(used) or len(used) > KERNEL_ROWS:
        return minimise(Design(rows, device), weights[used], ridge)
    gram: Any = rows @ rows.T
    gram = np.asarray(gram.toarray() if isinstance(gram, csr_array) else gram, np.float64)
    gram[np.diag_indices_from(gram)] += JITTER * max(float(gram.diagonal().mean()), 1.0)
    root = np.linalg.cholesky(gram)
    heads = minimise(Design(root, device), weights[used], ridge)
    return np.asarray(rows.T @ np.linalg.solve(root.T, heads), np.float64)


def margins(differences: Features, heads: Floats) -> NDArray[np.float64]:
    """x·w for each row and head, (n, B): above 0 the head prefers the chosen response."""
    return np.asarray(differences @ heads, np.float64)


def minimise(design: Design, weights: Floats, ridge: float) -> NDArray[np.float64]:
    """Newton's method on all columns together, until each gradient is 1e-8 (1e-4 in float32)
    of what it was at w = 0."""
    s = torch.as_tensor(weights, dtype=design.dtype, device=design.device)
    w = s.new_zeros((design.columns, s.shape[1]))
    m = torch.zeros_like(s)
    tolerance = 1e-8 if design.dtype == torch.float64 else 1e-4
    start = design.backward(s / 2).abs().amax(0)
    for _ in range(NEWTON_STEPS):
        p = torch.sigmoid(-m)
        gradient = ridge * w - design.backward(s * p)
        if (gradient.abs().amax(0) <= tolerance * start).all():
            break
        step = newton_step(design, s * p * (1 - p), gradient, ridge)
        ahead = design.forward(step)
        length = step_length(s, m, ahead, w, step, gradient, ridge)
        if not (length > 0).any():  # the objective no longer resolves a decrease
            break
        w, m = w + length * step, m + length * ahead
    return w.double().cpu().numpy()


def newton_step(
    design: Design, curvature: torch.Tensor, gradient: torch.Tensor, ridge: float
) -> torch.Tensor:
    """Solves (Xᵀ diag(curvature_b) X + ridge) step_b = −gradient_b for each column b.

    In float32: only the gradient says where the minimum is, a step that is a little off costs no
    more than a part of another one.
    """
    norm = gradient.norm(dim=0)
    curvature = curvature.float()
    residual = (-gradient / norm.clamp(min=torch.finfo(norm.dtype).tiny)).float()
    step = torch.zeros_like(residual)
    direction = residual.clone()
    squared = (residual * residual).sum(0)
    tiny = torch.finfo(squared.dtype).tiny
    # Superlinear: the nearer the minimum, the more exactly the step is solved.
    target = norm.sqrt().clamp(EXACTEST, 0.1).float() ** 2
    for _ in range(CG_STEPS):
        if (squared <= target).all():
            break
        product = design.backward(curvature * design.forward(direction)) + ridge * direction
        rate = squared / (direction * product).sum(0).clamp(min=tiny)
        step += rate * direction
        residual -= rate * product
        before, squared = squared, (residual * residual).sum(0)
        direction = residual + squared / before.clamp(min=tiny) * direction
    return step.to(gradient.dtype) * norm


def step_length(
    s: torch.Tensor,
    m: torch.Tensor,
    ahead: torch.Tensor,
    w: torch.Tensor,
    step: torch.Tensor,
    gradient: torch.Tensor,
    ridge: float,
) -> torch.Tensor:
    """By column the first of 1, 1/2, 1/4 … that lowers the objective enough, else 0."""

    def objective(margin: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
        loss = (s * torch.nn.functional.softplus(-margin)).sum(0)
        return loss + ridge / 2 * (head * head).sum(0)

    slope = (gradient * step).sum(0)
    now = objective(m, w)
    rounding = now.abs() * torch.finfo(now.dtype).eps * 8
    length = torch.ones_like(slope)
    too_far = torch.zeros_like(slope, dtype=torch.bool)
    for _ in range(HALVINGS):
        then = objective(m + length * ahead, w + length * step)
        too_far = then > now + SUFFICIENT * length * slope + rounding
        if not too_far.any():
            return length
        length = torch.where(too_far, length / 2, length)
    return torch.where(too_far, torch.zeros_like(length), length)
