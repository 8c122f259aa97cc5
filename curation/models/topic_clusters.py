"""Topics as clusters of vectors, with names and a place on a map.

Names by c-TF-IDF (Grootendorst 2022, BERTopic, arXiv:2203.05794): how often a term is in the topic,
times log(1 + words a topic / how often it is anywhere).
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import CountVectorizer

from curation.items import Floats

MOST = 20_000  # vectors that clusters are learnt from
LETTERS = 4_000  # of a text that are read for its words
VOCABULARY = 20_000
TERMS = 8  # of a topic
ROUNDS = 3  # of k-means, the best of which counts
SPEAKERS = re.compile(r"^(?:human|assistant|system|tool): ", re.M)  # of the turns of a dialogue

Numbers = NDArray[np.float64]


class Topics(NamedTuple):
    """`centres` (topics, d), the largest topic first; `axes` (2, d) and `mean` (d,) of the map;
    `terms` (topics, 8), the most telling first, "" where there are fewer."""

    centres: Numbers
    axes: Numbers
    mean: Numbers
    terms: NDArray[np.str_]


def learn(texts: Sequence[str], vectors: Floats, count: int | None, seed: int) -> Topics:
    """`count` topics, or √n / 2, 2 to 50, where it is None; never more than different vectors."""
    table = np.asarray(vectors, np.float64)
    learnt = np.sort(np.random.default_rng(seed).permutation(len(table))[:MOST])
    known = table[learnt]
    distinct = len(np.unique(known.round(6), axis=0))
    wanted = min(count or max(2, min(50, round(np.sqrt(len(table)) / 2))), max(distinct, 1))
    if not len(known):
        empty = np.zeros((0, table.shape[1] if table.ndim == 2 else 0))
        return Topics(
            empty, np.zeros((2, empty.shape[1])), empty.sum(0), np.zeros((0, TERMS), "U1")
        )
    rounds: Any = ROUNDS
    clusters = KMeans(wanted, n_init=rounds, random_state=seed).fit(known)
    found: Any = clusters.labels_
    sizes = np.bincount(found, minlength=wanted)
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(wanted, np.int64)
    place[order] = np.arange(wanted)
    axes, mean = plane(known)
    rows: list[int] = learnt.tolist()
    said = [texts[row][:LETTERS] for row in rows]
    terms = telling(said, place[found], wanted)
    return Topics(np.asarray(clusters.cluster_centers_, np.float64)[order], axes, mean, terms)


def plane(vectors: Numbers) -> tuple[Numbers, Numbers]:
    """The two directions in which the vectors vary most, and their mean; each direction points to
    where its largest coordinate is positive, so that the map is the same every time."""
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, ::-1][:, :2].T
    if len(axes) < 2:
        axes = np.vstack([axes, np.zeros((2 - len(axes), vectors.shape[1]))])
    largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]
    return axes * np.where(largest < 0, -1, 1)[:, None], mean


def spoken(text: str) -> str:
    """Its words without who says them."""
    return SPEAKERS.sub(" ", text.lower())


def telling(texts: Sequence[str], topics: NDArray[np.int64], count: int) -> NDArray[np.str_]:
    """(topics, 8) terms."""
    vectorizer = CountVectorizer(
        stop_words="english", max_features=VOCABULARY, token_pattern=r"(?u)\b[^\W\d_]\w+\b",
        preprocessor=spoken,
    )  # fmt: skip
    try:
        counts: Any = vectorizer.fit_transform(texts)
    except ValueError:  # no word is left
        return np.full((count, TERMS), "", "U1")
    names: Any = vectorizer.get_feature_names_out()
    members = np.zeros((count, len(texts)))
    members[topics, np.arange(len(texts))] = 1
    by_topic = np.asarray((counts.T @ members.T).T, np.float64)  # (topics, terms)
    share = by_topic / np.maximum(by_topic.sum(axis=1, keepdims=True), 1)
    weight = share * np.log1p(by_topic.sum() / count / np.maximum(by_topic.sum(axis=0), 1))
    best = np.argsort(-weight, axis=1, kind="stable")[:, :TERMS]
    there = np.take_along_axis(weight, best, axis=1) > 0
    found = np.full((count, TERMS), "", f"U{max(map(len, names), default=1)}")
    found[:, : best.shape[1]] = np.where(there, names[best], "")
    return found


def place(topics: Topics, vectors: Floats) -> tuple[NDArray[np.int64], Numbers, Numbers]:
    """Of each vector: the nearest topic, the distance to its centre, and (n, 2) on the map."""
    table = np.asarray(vectors, np.float64)
    near = table @ topics.centres.T - (topics.centres**2).sum(axis=1) / 2
    nearest = near.argmax(axis=1)
    away = np.linalg.norm(table - topics.centres[nearest], axis=1)
    return nearest, away, (table - topics.mean) @ topics.axes.T
