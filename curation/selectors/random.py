"""A uniform random subset: what every other selector has to beat."""

from typing import ClassVar, Literal

import numpy as np

from curation.selectors.admission import Admission, best_first, id_order, id_ranks
from curation.selectors.selector import Pool, Selection, Selector


class Random(Selector):
    """k pairs drawn uniformly without replacement; importance is the draw, uniform on [0, 1).

    Neither a cap per prompt nor a rule about duplicates: as a baseline it stands for taking the
    data as it is. The draw goes by the order of ids, so the order of the rows does not matter, and
    a smaller budget under the same seed gives a part of the larger one.
    """

    version: ClassVar[int] = 1

    kind: Literal["random"] = "random"

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        drawn = np.empty(len(pool))
        drawn[id_order(pool)] = np.random.default_rng(seed).random(len(pool))
        admission = Admission(pool, k, None, distinct=False)
        admission.fill(best_first(drawn, id_ranks(pool)))
        return admission.selection(drawn, 0.0)
