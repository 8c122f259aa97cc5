"""How far a prompt is from its nearest neighbours in the dataset."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Indices, Prompts, View
from curation.signals.embedding import Embedding
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal

if TYPE_CHECKING:  # loads torch and faiss
    from curation.models.neighbors import Neighbors

EPSILON = 1e-6


class KnnNovelty(Signal):
    """log(‖e − e_k‖ + 1e-6), e_k the k-th nearest other prompt; high = unlike the others.

    Its mean over a set is, up to constants, the k-NN (particle) estimate of the set's entropy, the
    diversity term of FiFA (arXiv:2410.10166). Where there are fewer than k others, the farthest.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.prompt
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (View.prompt,)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("log_distance", float(np.log(EPSILON)), np.inf, "nat", "high = novel"),
    )

    kind: Literal["knn_novelty"] = "knn_novelty"
    embedder: Embedding = Field(default_factory=Embedding)
    k: int = Field(default=5, ge=1)
    exact_up_to: int = Field(
        default=200_000, ge=0, description="prompts; of more, on a CPU, nearly all neighbours"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def fit(self, items: Prompts) -> Fit:
        """Keeps the vectors, and the ids to know a prompt again. `recall` is measured."""
        first = dict(zip(reversed(items.ids), reversed(range(len(items))), strict=True))
        ids = sorted(first)
        vectors, rows = self.vectors(items), [first[name] for name in ids]
        if rows != list(range(len(items))):
            vectors = vectors[rows]  # a copy, of gigabytes where prompts are a million
        metrics = {"n": float(len(ids))}
        if self.inverted(len(ids)):
            from curation.models.inverted_lists import InvertedLists

            metrics["recall"] = InvertedLists(vectors).recall(self.k)
        return Fit({"ids": np.array(ids, np.str_), "vectors": vectors}, metrics)

    def score(self, items: Prompts, fit: Fit | None = None) -> Scores:
        if fit is None:
            raise ValueError("knn_novelty needs its fit")
        row = {name: i for i, name in enumerate(fit.arrays["ids"].tolist())}
        own = np.array([row.get(name, -1) for name in items.ids], np.int64)
        known = np.asarray(fit.arrays["vectors"], np.float32)
        distances = np.full(len(items), np.nan)
        vectors = self.vectors(items)
        nearest = self.search(known)
        for rows in (np.flatnonzero(own >= 0), np.flatnonzero(own < 0)):
            exclude = own[rows] if len(rows) and own[rows[0]] >= 0 else None
            asked = vectors if len(rows) == len(vectors) else vectors[rows]  # else a copy of all
            found = nearest(asked, exclude).distances
            if found.shape[1]:
                distances[rows] = found[:, -1]
        return Scores({"log_distance": Column.of(np.log(distances + EPSILON), "no_neighbor")})

    def search(self, known: Floats) -> Callable[[Floats, Indices | None], "Neighbors"]:
        """Finds the k nearest known vectors, without the rows that the queries are themselves."""
        if self.inverted(len(known)):
            from curation.models.inverted_lists import InvertedLists

            lists = InvertedLists(known)
            return lambda queries, exclude: lists.nearest(queries, self.k, exclude)
        from curation.models.neighbors import nearest

        return lambda queries, exclude: nearest(queries, known, self.k, exclude, self.device)

    def inverted(self, count: int) -> bool:
        from curation.models.device import resolve

        return count > self.exact_up_to and resolve(self.device).type == "cpu"

    def vectors(self, items: Prompts) -> NDArray[np.float32]:
        if View.prompt not in items.vectors:
            raise ValueError("knn_novelty needs the vectors of the prompts")
        return np.asarray(items.vectors[View.prompt], np.float32)
