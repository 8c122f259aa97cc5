"""Does the noise science keep its promises? Certificates over many splits, groups, seconds.

    python -m benchmarks.promises [--splits 200] [--seeds 20]

Certificates: of labels kept, or turned, at most a share alpha is wrong; realised share and power
(the share of right labels kept, of wrong labels turned). Groups: 100 annotators, 80 of one taste
and 20 of the opposite, 20 labels each. Seconds are of one CPU, the best of three.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.metrics import adjusted_rand_score

from benchmarks.consensus_speed import simulated
from curation.consensus.bradley_terry import bradley_terry
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.noise.conformal import select, select_flips
from curation.structure.groups import like_minded

CHOICES = {"kept": select, "turned": select_flips}


def certificates(splits: int) -> None:
    print(f"certificates, {splits} splits of 500 verified answers and 1,000 labels")
    for name, choose in CHOICES.items():
        for alpha in (0.05, 0.1, 0.2):
            rng = np.random.default_rng(0)
            shares, power = np.zeros(splits), np.zeros(splits)
            for split in range(splits):
                margin = rng.normal(size=1500) * 3
                right = rng.random(1500) < expit(margin)
                kept = choose(margin[500:], margin[:500], right[:500], alpha).kept
                good = right[500:] if name == "kept" else ~right[500:]
                shares[split] = (kept & ~good).sum() / max(kept.sum(), 1)
                power[split] = (kept & good).sum() / good.sum()
            error = shares.std(ddof=1) / np.sqrt(splits)
            verdict = "kept" if shares.mean() <= alpha + 2 * error else "BROKEN"
            print(f"  {name:7} alpha {alpha:.2f}: realised {shares.mean():.4f} ± {2 * error:.4f}, "
                  f"power {power.mean():.3f}: {verdict}", flush=True)  # fmt: skip


def groups(seeds: int) -> None:
    truth = (np.arange(100) >= 80).astype(np.int64)
    taste, who = np.array([2.0, 1, 0, 0, 0]), np.repeat(np.arange(100), 20)
    found: list[float] = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(2000, 5))
        utility = x @ taste * np.where(truth[who], -1, 1)
        better = rng.random(2000) < expit(2 * utility)
        of = like_minded(x, who, better, seed=seed).of
        found.append(float(adjusted_rand_score(truth, of)))
    print(f"groups 80/20, 20 labels each, {seeds} seeds: adjusted Rand index mean "
          f"{np.mean(found):.3f}, least {min(found):.3f}", flush=True)  # fmt: skip


def judgments(count: int, responses: int, annotators: int) -> Judgments:
    rng = np.random.default_rng(0)
    strength = rng.normal(size=responses)
    a = rng.integers(0, responses, count)
    b = (a + rng.integers(1, responses, count)) % responses
    said = np.where(rng.random(count) < expit(strength[a] - strength[b]), 0, 1)
    who, first = rng.integers(0, annotators, count), rng.choice([-1.0, 1.0], count)
    return Judgments(a, b, who, said, responses, annotators, first)


def seconds() -> None:
    million, votes = judgments(1_000_000, 1000, 200), simulated(1_000_000)
    fewer, hundred = simulated(100_000), judgments(100_000, 500, 200)
    runs: dict[str, Callable[[], Any]] = {
        "Dawid–Skene, 1,000,000 labels": lambda: dawid_skene(votes),
        "Bradley–Terry, 1,000,000 labels": lambda: bradley_terry(
            million.a, million.b, million.said, 1000
        ),
        "GLAD, 100,000 labels": lambda: glad(fewer),
        "noisy Bradley–Terry, 100,000 labels": lambda: noisy_bradley_terry(hundred),
    }
    for name, run in runs.items():
        taken: list[float] = []
        for _ in range(3):
            start = time.process_time()
            run()
            taken.append(time.process_time() - start)
        print(f"{name}: {min(taken):.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    certificates(given.splits)
    groups(given.seeds)
    seconds()


if __name__ == "__main__":
    main()
