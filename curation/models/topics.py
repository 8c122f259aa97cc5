"""What prompts are about, where nobody says: clusters of their words, named by the commonest."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

LEAST = 100  # distinct prompts
MOST = 5_000  # from which the clusters are learnt
TERMS, DIMENSIONS, NAMED_BY = 3_000, 40, 3
LETTERS = 2_000  # of a prompt that are read


def topics(prompts: Sequence[str], wanted: int = 8, seed: int = 0) -> list[str] | None:
    """The topic of each prompt, or None below 100 different ones. k-means of tf-idf in 40
    dimensions (latent semantic analysis); equal prompts have one topic."""
    distinct = sorted({prompt[:LETTERS] for prompt in prompts})
    if len(distinct) < LEAST:
        return None
    vectorizer = TfidfVectorizer(
        stop_words="english", max_features=TERMS, sublinear_tf=True, max_df=0.3, min_df=2
    )
    rng = np.random.default_rng(seed)
    learnt = sorted(rng.permutation(len(distinct))[:MOST].tolist())
    try:
        known: Any = vectorizer.fit_transform([distinct[row] for row in learnt])
    except ValueError:  # no word is left
        return None
    if known.shape[1] < wanted:
        return None
    svd = TruncatedSVD(min(DIMENSIONS, known.shape[1] - 1), random_state=seed)
    clusters = KMeans(wanted, n_init="auto", random_state=seed)
    of_learnt: Any = clusters.fit_predict(normalize(svd.fit_transform(known)))
    terms: Any = vectorizer.get_feature_names_out()
    names = [named(known, of_learnt == cluster, terms) for cluster in range(wanted)]
    every: Any = vectorizer.transform(distinct)
    found: Any = clusters.predict(normalize(svd.transform(every)))
    of = dict(zip(distinct, found.tolist(), strict=True))
    return [names[of[prompt[:LETTERS]]] for prompt in prompts]


def named(weights: Any, members: Any, terms: Any) -> str:
    """By the terms that weigh most in it beyond what they weigh everywhere."""
    if not members.any():
        return "(none)"
    beyond = np.asarray(weights[members].mean(axis=0) - weights.mean(axis=0)).ravel()
    return ", ".join(str(terms[at]) for at in np.argsort(-beyond, kind="stable")[:NAMED_BY])
