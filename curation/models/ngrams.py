"""Hashed n-grams of words and of characters: what a response says, without a vocabulary to keep."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

Unit: TypeAlias = Literal["words", "characters"]

BUCKETS = 2**14
UNSCALED: Any = None
WORDS = HashingVectorizer(
    n_features=BUCKETS,
    alternate_sign=False,
    norm=UNSCALED,
    ngram_range=(1, 2),
    token_pattern=r"\b\w+\b",
)
CHARACTERS = HashingVectorizer(
    n_features=BUCKETS, alternate_sign=False, norm=UNSCALED, ngram_range=(3, 4), analyzer="char_wb"
)


def ngrams(texts: Sequence[str], unit: Unit) -> csr_array:
    """(n, BUCKETS): 1 + log(count), rows of unit length; an empty text is a row of zeros.

    Without inverse document frequencies nothing is learnt from the texts. For finding 20 % flipped
    labels they cost .02 AUROC on qa_feedback and gain less than .01 on hh_harmless.
    """
    vectorizer = WORDS if unit == "words" else CHARACTERS
    if not texts:
        return csr_array((0, BUCKETS), dtype=np.float64)
    row = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    counts: Any = vectorizer.transform(list(row))
    counts.data = 1 + np.log(counts.data)
    found = csr_array(normalize(counts))
    return found if len(row) == len(texts) else found[[row[text] for text in texts]]
