"""The pairs that a selector over vectors may pick, in the order of ids, and their vectors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Indices, View
from curation.selectors.admission import Admission, Admitting, id_order
from curation.selectors.terms import Terms, present

VECTORS = "vectors"


class OverVectors(Admitting):
    """A selector to which pairs are points."""

    view: View = View.prompt

    def needs_vectors(self) -> bool:
        return True

    def vector_view(self) -> View:
        return self.view


class Ground(NamedTuple):
    """m selectable pairs in the order of ids, so that the first of equals is the one to take.

    `rows` (m,) positions in the pool; `vectors` (m, d) float32 of length 1, or 0 where the vector
    is zero; `worth` (m, terms) float64 in the order asked for. Rounding then depends on the ids
    alone, not on the order of the pool.
    """

    rows: Indices
    vectors: NDArray[np.float32]
    worth: NDArray[np.float64]
    terms: Terms
    degraded: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def spread(self, values: Floats, n: int) -> NDArray[np.float64]:
        """(m,) values as a column of the pool, NaN where a pair is not selectable."""
        column = np.full(n, np.nan)
        column[self.rows] = values
        return column


def ground(
    admission: Admission, names: tuple[str, ...] = (), vectors: bool = True, lazily: bool = False
) -> Ground:
    """Pairs that have every named term and, with `vectors`, a finite vector; the others get their
    reason. A pool that has no vectors at all is taken without: they resemble nothing. `lazily`: no
    vectors are copied; whoever reads few takes `unit` of those."""
    pool = admission.pool
    terms = present(pool, names)
    selectable = terms.selectable
    degraded = terms.degraded
    for row, name in enumerate(terms.missing):
        if name:
            admission.reasons[row] = f"missing:{name}"
    places = np.zeros((len(pool), 1), np.float32)
    if vectors and pool.vectors is not None:
        places = np.asarray(pool.vectors)
        whole = finite(places)
        admission.refuse(np.flatnonzero(selectable & ~whole), f"missing:{VECTORS}")
        selectable &= whole
    elif vectors:
        degraded = (*degraded, VECTORS)
    order = id_order(pool)
    rows = order[selectable[order]]
    columns = [terms.columns[name][rows] for name in terms.columns]
    worth = np.column_stack(columns) if columns else np.zeros((len(rows), 0))
    found = unit(places[rows[: 0 if lazily else None]])
    return Ground(rows, found, worth, terms, degraded)


def finite(vectors: Floats) -> NDArray[np.bool_]:
    """(n,): whether all of a row are. Their sum is, or is looked into."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.asarray(np.isfinite(np.einsum("ij->i", vectors)), np.bool_)
    odd = np.flatnonzero(~found)
    found[odd] = np.isfinite(vectors[odd]).all(axis=1)
    return found


def unit(vectors: Floats) -> NDArray[np.float32]:
    """Rows of length 1; rows of zeros stay. Lengths that float32 can't square go by float64."""
    found = np.array(vectors, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
    plain = (lengths > 1e-15) & (lengths < 1e15)
    found /= np.where(plain, lengths, 1)[:, None]
    for row in np.flatnonzero(~plain).tolist():
        wide = np.asarray(vectors[row], np.float64)
        largest = np.abs(wide).max(initial=0)
        if largest > 0:
            wide = wide / largest
            found[row] = wide / np.linalg.norm(wide)
    return found
