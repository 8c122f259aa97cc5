"""Greedy selections against those of others: submodlib (Kaushal et al., arXiv:2202.10680)."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from submodlib import FacilityLocationFunction, LogDeterminantFunction

from curation.selectors import Selector
from curation.selectors.dpp_greedy_map import DppGreedyMap
from curation.selectors.facility_location import FacilityLocation
from curation.selectors.information_gain import InformationGain
from tests.curation.selectors.clusters import clustered, pool_of

N = 100
Cosines: TypeAlias = NDArray[np.float32]
Peer: TypeAlias = FacilityLocationFunction | LogDeterminantFunction


def facility_location(cosines: Cosines) -> Peer:
    return FacilityLocationFunction(
        n=N, mode="dense", sijs=np.maximum(cosines, 0), separate_rep=False
    )


def volume(cosines: Cosines) -> Peer:
    return LogDeterminantFunction(n=N, mode="dense", lambdaVal=0.01, sijs=cosines)


def information(cosines: Cosines) -> Peer:
    return LogDeterminantFunction(n=N, mode="dense", lambdaVal=1, sijs=cosines / np.float32(0.1))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("selector", "of", "share"),
    [
        (FacilityLocation(), facility_location, 1.0),
        (DppGreedyMap(), volume, 1.0),
        (InformationGain(), information, 0.5),  # half a log determinant
    ],
)
def test_by_submodlibs_own_gains_no_pick_could_be_better(
    selector: Selector, of: Callable[[Cosines], Peer], share: float, seed: int
) -> None:
    vectors = clustered(N, d=24, seed=seed, clusters=12)
    found = selector.select(pool_of(vectors), 20)
    peer = of((vectors @ vectors.T).astype(np.float32))
    kept: set[int] = set()
    for point in found.order.tolist():
        gains = {other: peer.marginalGain(kept, other) for other in {*range(N)} - kept}
        assert gains[point] >= max(gains.values()) - 1e-3
        kept.add(point)
    assert found.objective == pytest.approx(share * peer.evaluate(kept), abs=1e-2)
    rival = peer.maximize(
        budget=20, optimizer="NaiveGreedy", stopIfZeroGain=False, stopIfNegativeGain=False,
        show_progress=False,
    )  # fmt: skip
    assert peer.evaluate(kept) >= 0.995 * peer.evaluate({point for point, _ in rival})
