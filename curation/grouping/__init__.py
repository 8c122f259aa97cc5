"""Which prompts belong together, and splits that never part them."""

from curation.grouping.assignment import LEFT_OUT, TEST, TRAIN, Assignment, assign
from curation.grouping.near_duplicates import THRESHOLD, near_duplicates
from curation.grouping.prompts import by_key, prompt_text, root_key

__all__ = [
    "LEFT_OUT",
    "TEST",
    "THRESHOLD",
    "TRAIN",
    "Assignment",
    "assign",
    "by_key",
    "near_duplicates",
    "prompt_text",
    "root_key",
]
