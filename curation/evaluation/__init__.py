"""Does the subset train a better model than a random one of the same size?"""

from curation.evaluation.evaluate import DRAWS, evaluate_split
from curation.evaluation.splits import SPLITS
from curation.evaluation.summary import Evaluation, summarise
from curation.evaluation.wanted import Contender, Wanted

__all__ = [
    "DRAWS",
    "SPLITS",
    "Contender",
    "Evaluation",
    "Wanted",
    "evaluate_split",
    "summarise",
]
