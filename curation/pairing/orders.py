"""The orders that a policy can read: a discriminated union by the kind of label."""

from typing import Annotated

from pydantic import Field

from curation.pairing.best_known import BestKnown
from curation.pairing.imported import ImportedScores
from curation.pairing.percentiles import Percentiles
from curation.pairing.ranked_pairs import RankedPairs
from curation.pairing.rankings import Rankings
from curation.pairing.ratings import Ratings
from curation.pairing.soft_and import SoftAnd

AnyOrder = Annotated[
    Ratings | Rankings | RankedPairs | ImportedScores | Percentiles | SoftAnd | BestKnown,
    Field(discriminator="label"),
]
