"""CPU-seconds of the annotator models on simulated votes: prefsift and crowd-kit in turn.

python -m benchmarks.consensus_speed [--labels 20000]
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from crowdkit.aggregation import GLAD, DawidSkene, NoisyBradleyTerry, OneCoinDawidSkene

from benchmarks.verified_pairs import frame
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import Votes


def simulated(labels: int) -> Votes:
    rng = np.random.default_rng(0)
    items, who = np.repeat(np.arange(labels // 5), 5), rng.integers(0, 200, labels // 5 * 5)
    right = rng.uniform(0.6, 0.95, 200)
    truth = rng.integers(0, 2, labels // 5)
    said = np.where(rng.random(len(items)) < right[who], truth[items], 1 - truth[items])
    return Votes(items, who, said, labels // 5, 200)


def speed(labels: int) -> None:
    votes = simulated(labels)
    table = frame(votes)
    rng = np.random.default_rng(1)
    a = rng.integers(0, 500, labels)
    b = (a + rng.integers(1, 500, labels)) % 500
    won = rng.random(labels) < 0.5
    judgments = Judgments(a, b, votes.annotators[:labels], np.where(won, 0, 1), 500, 200)
    compared = pd.DataFrame(
        {"worker": votes.annotators, "left": a, "right": b, "label": np.where(won, a, b)}
    )
    print(f"CPU-seconds on {labels:,} labels (prefsift, crowd-kit, ratio)")
    sides: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "one-coin": (lambda: one_coin(votes), lambda: OneCoinDawidSkene().fit(table)),
        "Dawid–Skene": (lambda: dawid_skene(votes), lambda: DawidSkene().fit(table)),
        "GLAD": (lambda: glad(votes), lambda: GLAD(n_iter=10).fit(table)),
        "noisy Bradley–Terry": (
            lambda: noisy_bradley_terry(judgments),
            lambda: NoisyBradleyTerry(n_iter=10).fit(compared),
        ),
    }  # fmt: skip
    for name, (ours, theirs) in sides.items():
        taken = [seconds(run) for run in (ours, theirs)]
        print(
            f"  {name:20} {taken[0]:8.2f} {taken[1]:8.2f}   {taken[1] / taken[0]:6.1f}x", flush=True
        )


def seconds(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return max(time.process_time() - start, 1e-3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=20_000)
    speed(parser.parse_args().labels)


if __name__ == "__main__":
    main()
