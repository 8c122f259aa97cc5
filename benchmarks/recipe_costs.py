"""CPU seconds of each signal a thousand pairs, for the estimates of `prefsift recipes`.

    OMP_NUM_THREADS=1 python -m benchmarks.recipe_costs [--pairs 200]

The first pairs of hh_harmless; a thread's own time, so that a busy machine matters little. What is
printed stands in curation/recipes/cost.py.
"""

import argparse
import gzip
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from curation.items import Pairs, Texts, View
from curation.models.embedder import embed
from curation.pairing.facts import FACTS
from curation.recipes.apply import score_by_pair
from curation.signals import SIGNALS, Level, parse_signal
from service.labels.facts import OF_PAIR


def read(path: Path, n: int) -> Pairs:
    rows: list[tuple[str, str, str]] = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = orjson.loads(line)
            prompt, _, chosen = str(row["chosen"]).rpartition("\n\nAssistant:")
            rows.append((prompt, chosen, str(row["rejected"]).rpartition("\n\nAssistant:")[2]))
            if len(rows) == n:
                break
    ids = [f"{i:04d}" for i in range(len(rows))]
    prompts, chosen, rejected = map(list, zip(*rows, strict=True))
    rng = np.random.default_rng(0)
    facts = {name: rng.integers(0, 2, n).astype(np.float64) for name in (*FACTS, *OF_PAIR)}
    return Pairs(ids, ids, prompts, chosen, rejected, facts=facts)


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def with_vectors(pairs: Pairs) -> tuple[Pairs, float]:
    """And the seconds of one text."""
    texts = {
        View.prompt: ("", pairs.prompts),
        View.chosen: ("", pairs.chosen),
        View.rejected: ("", pairs.rejected),
        View.prompt_chosen: (pairs.prompts, pairs.chosen),
        View.prompt_rejected: (pairs.prompts, pairs.rejected),
    }
    embed(Texts(["0"], [""], ["loads the model"]))
    began, found = time.process_time(), {}
    for view, (prefixes, bodies) in texts.items():
        before = [prefixes] * len(pairs) if isinstance(prefixes, str) else list(prefixes)
        found[view] = embed(Texts(pairs.ids, before, bodies)).vectors
    spent = time.process_time() - began
    return replace(pairs, vectors=found), spent / len(pairs) / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200)
    asked = parser.parse_args()
    data = Path(os.environ.get("PREFSIFT_TEST_DATA", "../shared/data"))
    pairs, text = with_vectors(read(data / "hh_harmless" / "test.jsonl.gz", asked.pairs))
    print(f"TEXT = {1000 * text:.1f}", flush=True)
    for kind in SIGNALS:
        signal = parse_signal({"kind": kind})
        if signal.level == Level.text:
            continue
        spent = seconds(lambda signal=signal: score_by_pair(signal, pairs))
        print(f'    "{kind}": {1000 * spent / asked.pairs:.1f},', flush=True)


if __name__ == "__main__":
    main()
