"""S15 without torch: a sparse signed dictionary of embedding differences, learnt in numpy."""

from typing import NamedTuple

import numpy as np

from curation.items import Floats

ROUNDS = 30
MOST_ROWS = 16_384  # that the atoms are learnt from, drawn at random
RIDGE = 1e-6
BLOCK = 16_384


class Sparse(NamedTuple):
    """`activations` (n, M), signed and mostly 0, of rows whose mean square length was made 1;
    `decoder` (M, d), directions of unit length; `size`: the root mean square length of the rows as
    given; `explained`: share of their energy that activations · decoder leave no longer; `dead`:
    features that are never active."""

    activations: Floats
    decoder: Floats
    size: float
    explained: float
    dead: int

    @classmethod
    def of(cls, rows: Floats, activations: Floats, decoder: Floats, size: float) -> "Sparse":
        """Turns each feature so that its largest component is above 0: a sign means nothing."""
        largest = decoder[np.arange(len(decoder)), np.abs(decoder).argmax(axis=1)]
        sign = np.where(largest < 0, -1.0, 1.0)
        activations, decoder = activations * sign, decoder * sign[:, None]
        left, energy = 0.0, 0.0
        for start in range(0, len(rows), BLOCK):
            block = slice(start, start + BLOCK)
            left += float(((rows[block] - activations[block] @ decoder) ** 2).sum())
            energy += float((rows[block] ** 2).sum())
        explained = 1 - left / energy if energy > 0 else 0.0
        dead = int((~(activations != 0).any(axis=0)).sum())
        return cls(activations, decoder, size, explained, dead)


def dictionary(
    differences: Floats, *, features: int = 32, active: int = 4, seed: int = 0
) -> Sparse:
    """At most `active` of `features` directions in each row of `differences` (n, d).

    They begin as independent components. Matching pursuit chooses among them, least squares refits
    them (method of optimal directions), and a direction that no row takes begins anew at the row
    that is explained worst.
    Exchanging a and b turns the sign of a row's activations and nothing else.
    """
    rows, size = scaled(differences)
    rng = np.random.default_rng(seed)
    learnt = np.asarray(rows[rng.permutation(len(rows))[:MOST_ROWS]], np.float64)
    if len(learnt) < features:
        raise ValueError(f"{len(learnt)} rows are too few for {features} features")
    atoms = independent(learnt, features)
    for _ in range(ROUNDS):
        code, residual = pursue(learnt, atoms, active)
        gram = code.T @ code + RIDGE * len(learnt) * np.eye(features)
        atoms = unit(np.linalg.solve(gram, code.T @ learnt + RIDGE * len(learnt) * atoms))
        unused = np.flatnonzero(~(code != 0).any(axis=0))
        worst = np.argsort(-(residual**2).sum(axis=1), kind="stable")[: len(unused)]
        atoms[unused] = unit(residual[worst])
    blocks = [
        pursue(np.asarray(rows[start : start + BLOCK], np.float64), atoms, active)[0]
        for start in range(0, len(rows), BLOCK)
    ]
    return Sparse.of(rows, np.vstack(blocks), atoms, size)


def independent(rows: Floats, features: int) -> Floats:
    """(M, d) unit directions: principal components turned until the scores' fourth powers are
    largest (FastICA, symmetric), then random ones where the rows have too few dimensions."""
    rows = np.asarray(rows[:MOST_ROWS], np.float64)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    top = [at for at in np.argsort(-values)[:features] if values[at] > RIDGE * values.max()]
    scores = rows @ vectors[:, top] / np.sqrt(values[top])
    turn = np.eye(len(top))
    for _ in range(ROUNDS):
        pulled = ((scores @ turn.T) ** 3).T @ scores / len(rows) - 3 * turn
        left, _, right = np.linalg.svd(pulled)
        turn = left @ right
    atoms = unit((turn * np.sqrt(values[top])) @ vectors[:, top].T)
    rest = np.random.default_rng(0).normal(size=(features - len(top), rows.shape[1]))
    return np.vstack([atoms, unit(rest)])


def pursue(rows: Floats, atoms: Floats, active: int) -> tuple[Floats, Floats]:
    """Activations (n, M) and what they leave of the rows, (n, d)."""
    code, residual = np.zeros((len(rows), len(atoms))), rows.copy()
    every = np.arange(len(rows))
    for _ in range(active):
        match = residual @ atoms.T
        best = np.abs(match).argmax(axis=1)
        amount = match[every, best]
        code[every, best] += amount
        residual -= amount[:, None] * atoms[best]
    return code, residual


def scaled(differences: Floats) -> tuple[Floats, float]:
    """Rows of mean square length 1, in their own number format, and what they were divided by."""
    rows = np.asarray(differences)
    if not np.isfinite(rows).all():
        raise ValueError("differences must be finite")
    length = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    size = float(np.sqrt(length.mean())) if len(rows) else 0.0
    if size == 0:
        raise ValueError("the responses of every pair have the same vector")
    return rows / np.asarray(size, rows.dtype), size


def unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)
