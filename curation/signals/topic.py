"""What a prompt is about: its cluster among the prompts of the dataset, and its place on a map."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Prompts, View
from curation.signals.embedding import Embedding
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal


class Topic(Signal):
    """Number of the prompt's topic: k-means of the prompts' vectors, 0 the largest topic.

    A recipe that has it as a term can name that term as the field of strata and quotas. The fit has
    the terms that tell a topic from the others (c-TF-IDF). `x` and `y` are the two directions in
    which all prompts vary most (PCA), the same at every fit of the same prompts.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.prompt
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (View.prompt,)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("topic", 0, np.inf, "number", "equal numbers: one topic; 0 is the largest"),
        Output("distance", 0, 2, "distance", "high = far from the centre of its topic"),
        Output("x", -2, 2, "distance", "place on the map, left to right"),
        Output("y", -2, 2, "distance", "place on the map, bottom to top"),
    )

    kind: Literal["topic"] = "topic"
    embedder: Embedding = Field(default_factory=Embedding)
    count: int | None = Field(
        default=None, ge=1, le=1000, description="topics; √n / 2, at most 50, where missing"
    )
    seed: int = Field(default=0, ge=0, lt=2**32)

    def fit(self, items: Prompts) -> Fit:
        from curation.models.topic_clusters import learn

        order = np.argsort(np.array(items.ids, np.str_), kind="stable")
        items = items.take(order)
        found = learn(items.texts, self.vectors(items), self.count, self.seed)
        metrics = {"n": float(len(items)), "topics": float(len(found.centres))}
        return Fit(found._asdict(), metrics)

    def score(self, items: Prompts, fit: Fit | None = None) -> Scores:
        from curation.models.topic_clusters import Topics, place

        if fit is None:
            raise ValueError("topic needs its fit")
        topics = Topics(**fit.arrays)
        if not len(topics.centres):
            n = len(items)
            return Scores({each.name: Column.missing(n, "no_topic") for each in self.outputs})
        nearest, away, spot = place(topics, self.vectors(items))
        columns = (nearest, away, spot[:, 0], spot[:, 1])
        named = zip(self.outputs, columns, strict=True)
        return Scores({each.name: Column.of(np.asarray(c, np.float64)) for each, c in named})

    def vectors(self, items: Prompts) -> NDArray[np.float64]:
        if View.prompt not in items.vectors:
            raise ValueError("topic needs the vectors of the prompts")
        return np.asarray(items.vectors[View.prompt], np.float64)
