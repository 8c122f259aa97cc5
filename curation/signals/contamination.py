"""Which pairs repeat a benchmark: word n-grams in common, and vectors that are nearly the same."""

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.grouping.contamination import LEAST, WORDS, Benchmark, Hit
from curation.items import Pairs, Texts, View
from curation.signals.embedding import Embedding
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal

VIEWS = (View.prompt, View.chosen, View.rejected)
EXAMPLE = "which of these planets of the solar system has the largest number of known moons"


class Contamination(Signal):
    """`clean` is 1 where no text of the pair repeats an item of `against`: a gate for recipes.

    Prompt, chosen and rejected text are each compared with each item: `words` words in a row in
    common (an item of 5 words and more that is shorter counts as a whole), or a cosine of the
    vectors >= `cosine`. The other outputs are the evidence, of the text that is worst.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    views: ClassVar[tuple[View, ...]] = VIEWS
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("clean", 0, 1, "flag", "1 = nothing of the benchmark is repeated"),
        Output("ngrams", 0, np.inf, "count", "high = many n-grams of one item"),
        Output("overlap", 0, 1, "share", "high = much of one item, by its n-grams"),
        Output("item", -1, np.inf, "number", "of that item in `against`, from 0; −1 = none"),
        Output("cosine", -1, 1, "cosine", "high = some item means nearly the same"),
        Output("nearest", 0, np.inf, "number", "of that item in `against`, from 0"),
    )

    kind: Literal["contamination"] = "contamination"
    against: tuple[str, ...] = Field(
        default=(EXAMPLE,), min_length=1, max_length=50_000, description="texts of the benchmark"
    )
    words: int = Field(default=WORDS, ge=LEAST, le=100, description="of an n-gram")
    cosine: float = Field(default=0.9, gt=0, le=1, description="from which vectors count as equal")
    embedder: Embedding = Field(default_factory=Embedding)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        n = len(items)
        best = worst_of(self.hits(items, most=1), n)
        nearest, cosine = self.nearest(items)
        overlap = np.array([hit.share if hit else 0.0 for hit in best])
        clean = (overlap == 0) & (cosine < self.cosine)
        found = {
            "clean": clean,
            "ngrams": [hit.ngrams if hit else 0 for hit in best],
            "overlap": overlap,
            "item": [hit.item if hit else -1 for hit in best],
            "cosine": cosine,
            "nearest": nearest,
        }
        return Scores(
            {name: Column.of(np.asarray(each, np.float64)) for name, each in found.items()}
        )

    def hits(self, items: Pairs, most: int | None = None) -> list[Hit]:
        """`text` counts the prompts, then the chosen, then the rejected ones; at most so many of
        each text."""
        texts = [*items.prompts, *items.chosen, *items.rejected]
        return benchmark(self.against, self.words).hits(texts, most)

    def nearest(self, items: Pairs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Item and cosine, of the text of a pair that is nearest to one."""
        missing = [view.value for view in VIEWS if not items.has(view)]
        if missing:
            raise ValueError(f"contamination needs the vectors of {', '.join(missing)}")
        n, known = len(items), vectors(self.against, self.embedder.model_dump_json())
        item, cosine = np.zeros(n, np.int64), np.full(n, -1.0)
        for view in VIEWS:
            table = np.asarray(items.vectors[view], np.float32)
            for row in range(n):  # one by one: the size of a batch must not show
                near = known @ table[row]
                best = int(near.argmax())
                if near[best] > cosine[row]:
                    item[row], cosine[row] = best, min(float(near[best]), 1.0)
        return item, cosine


def worst_of(hits: list[Hit], pairs: int) -> list[Hit | None]:
    """Of each pair the hit that repeats most of an item."""
    best: list[Hit | None] = [None] * pairs
    for hit in hits:
        other = best[hit.text % pairs]
        if other is None or (hit.share, hit.ngrams) > (other.share, other.ngrams):
            best[hit.text % pairs] = hit
    return best


@lru_cache(2)
def benchmark(texts: tuple[str, ...], words: int) -> Benchmark:
    return Benchmark(texts, words)


@lru_cache(2)
def vectors(texts: tuple[str, ...], spec: str) -> NDArray[np.float32]:
    embedder = Embedding.model_validate_json(spec)
    made = embedder.score(Texts([str(i) for i in range(len(texts))], [""] * len(texts), texts))
    assert made.vectors is not None
    return np.asarray(made.vectors, np.float32)
