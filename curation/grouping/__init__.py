"""Which prompts belong together, and splits that never part them."""

from curation.grouping.assignment import LEFT_OUT, TEST, TRAIN, Assignment, assign
from curation.grouping.fingerprints import FINGERPRINT, Prints, agreeing, fingerprints
from curation.grouping.near_duplicates import THRESHOLD, Texts, alike, near_duplicates
from curation.grouping.prompts import by_key, prompt_text, root_key

__all__ = [
    "FINGERPRINT",
    "LEFT_OUT",
    "TEST",
    "THRESHOLD",
    "TRAIN",
    "Assignment",
    "Prints",
    "Texts",
    "agreeing",
    "alike",
    "assign",
    "by_key",
    "fingerprints",
    "near_duplicates",
    "prompt_text",
    "root_key",
]
