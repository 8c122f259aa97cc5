"""A design matrix on its device: products with many columns, exact in float64, quick in float32."""

import warnings
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from curation.models.device import Device, resolve

Features: TypeAlias = NDArray[Any] | csr_array

FLOAT64_CELLS = 20_000_000


def column_count(features: Features) -> int:
    shape: tuple[int, int] = features.shape  # pyright: ignore[reportAssignmentType]
    return shape[1]


class Design:
    """X (n, d). `dtype` of what is exact: float64 while X is small, float32 from there on.

    A sparse X on a CPU is multiplied by scipy: torch is slower there by 1.5 in float64, and wants
    the transpose beside it.
    """

    def __init__(self, rows: Features, device: Device) -> None:
        sparse = isinstance(rows, csr_array)
        cells = rows.nnz if sparse else rows.size
        self.dtype = torch.float64 if cells <= FLOAT64_CELLS else torch.float32
        self.device = resolve(device)
        self.columns = column_count(rows)
        here = sparse and self.device.type == "cpu"
        kind = Sparse if here else Placed
        self.exact = kind(rows, self.dtype, self.device)
        single = self.dtype == torch.float32
        self.quick = self.exact if single else kind(rows, torch.float32, self.device)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        """X · columns (d, B), in their precision."""
        return self.of(columns).forward(columns)

    def backward(self, columns: torch.Tensor) -> torch.Tensor:
        """Xᵀ · columns (n, B), in their precision."""
        return self.of(columns).backward(columns)

    def of(self, columns: torch.Tensor) -> "Sparse | Placed":
        return self.exact if columns.dtype == self.dtype else self.quick


class Sparse:
    """By scipy; the matrices of both precisions share their indices."""

    def __init__(self, rows: Any, dtype: torch.dtype, _: torch.device) -> None:
        data = rows.data.astype(np.float64 if dtype == torch.float64 else np.float32, copy=False)
        self.rows: Any = csr_array((data, rows.indices, rows.indptr), shape=rows.shape)
        self.transposed: Any = self.rows.T  # a view

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.rows @ columns.numpy())

    def backward(self, columns: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.transposed @ columns.numpy())


class Placed:
    """As tensors on the device."""

    def __init__(self, rows: Any, dtype: torch.dtype, device: torch.device) -> None:
        sparse = isinstance(rows, csr_array)
        self.rows = placed(rows, dtype, device)
        self.transposed = placed(csr_array(rows.T), dtype, device) if sparse else self.rows.T

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        return self.rows @ columns

    def backward(self, columns: torch.Tensor) -> torch.Tensor:
        return self.transposed @ columns


def placed(matrix: Any, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    if not isinstance(matrix, csr_array):
        return torch.as_tensor(np.asarray(matrix), dtype=dtype, device=device)
    with warnings.catch_warnings():  # torch says once that its sparse tensors are in beta
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.as_tensor(np.asarray(matrix.indptr, np.int64)),
            torch.as_tensor(np.asarray(matrix.indices, np.int64)),
            torch.as_tensor(matrix.data),
            size=matrix.shape,
            dtype=dtype,
            device=device,
            check_invariants=False,
        )
