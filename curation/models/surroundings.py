"""Where a conversation lies among others: a short vector of its words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from curation.items import Floats
from curation.review.lexical import LETTERS

DIMENSIONS, TERMS = 48, 20_000
MOST = 5_000  # conversations from which the axes are learnt


def surroundings(texts: Sequence[tuple[str, str, str]], seed: int = 0) -> Floats:
    """(n, ≤ 48) of prompt, a and b together, rows of unit length; of zeros where no word is
    shared with another conversation. Latent semantic analysis: tf-idf, then singular vectors."""
    said = [" ".join(text[:LETTERS] for text in each) for each in texts]
    rng = np.random.default_rng(seed)
    learnt = np.sort(rng.permutation(len(said))[:MOST]).tolist()
    words = TfidfVectorizer(
        stop_words="english", max_features=TERMS, sublinear_tf=True, max_df=0.5, min_df=2
    )
    try:
        known: Any = words.fit_transform([said[row] for row in learnt])
    except ValueError:  # no word is left
        return np.zeros((len(said), 1))
    wanted = min(DIMENSIONS, min(known.shape) - 1)
    if wanted < 1:
        return np.zeros((len(said), 1))
    svd = TruncatedSVD(wanted, random_state=seed).fit(known)
    found = np.asarray(svd.transform(words.transform(said)), np.float64)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(lengths > 1e-12, lengths, 1.0)
