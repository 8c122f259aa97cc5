import numpy as np
from numpy.typing import NDArray

from curation.selectors import Pool


def clustered(n: int, d: int, seed: int, clusters: int = 20) -> NDArray[np.float64]:
    """Unit vectors (n, d) around random centres, some near, some far from theirs."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, d))
    spread = rng.uniform(0.1, 1.0, (n, 1))
    vectors = centres[rng.integers(0, clusters, n)] + spread * rng.normal(size=(n, d))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pool_of(vectors: NDArray[np.float64], **scores: NDArray[np.float64]) -> Pool:
    """Pairs of prompts and texts of their own, their ids in the order of the rows."""
    ids = [f"{i:06}" for i in range(len(vectors))]
    return Pool(ids, ids, ids, scores, vectors)
