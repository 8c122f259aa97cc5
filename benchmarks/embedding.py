"""CPU-seconds a text: prefsift's embedder against sentence-transformers' default, alternately.

    python -m benchmarks.embedding [--data DIR] [--texts 400] [--rounds 3]

The same model and texts (whole hh_harmless transcripts), one thread each, in one process. The
target, >= 3.5x fewer CPU-seconds a text with top-10 overlap >= .99, holds where the CPU computes
bfloat16; elsewhere prefsift falls back to float32, and this prints what is left.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from benchmarks.subset_vs_random import DEFAULT_DATA, hh_harmless
from curation.items import Floats, Texts
from curation.models.device import computes_bfloat16, limit_threads
from curation.models.embedder import MINILM, embed, model_path
from curation.models.neighbors import nearest


def clocked(compute: Callable[[], Floats]) -> tuple[float, NDArray[np.float32]]:
    start = time.process_time()
    vectors = np.asarray(compute(), np.float32)
    return time.process_time() - start, vectors


def top10_overlap(one: Floats, two: Floats) -> float:
    own = np.arange(len(one))
    a, b = (nearest(x, x, 10, own, "cpu").rows.tolist() for x in (one, two))
    return float(np.mean([len(set(x) & set(y)) / 10 for x, y in zip(a, b, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()

    rows = hh_harmless(given.data)
    bodies = list(dict.fromkeys(f"{prompt}\n\n{chosen}" for prompt, chosen, _ in rows))
    bodies = bodies[: given.texts]
    texts = Texts(bodies, [""] * len(bodies), bodies)
    limit_threads()
    peer = SentenceTransformer(model_path(MINILM), device="cpu")
    sides: dict[str, Callable[[], Floats]] = {
        "sentence-transformers": lambda: np.asarray(peer.encode(bodies)),
        "prefsift float32": lambda: embed(texts, dtype="float32", device="cpu").vectors,
        "prefsift": lambda: embed(texts, device="cpu").vectors,
    }
    for compute in sides.values():  # load and warm up
        compute()
    spent: dict[str, list[float]] = {name: [] for name in sides}
    vectors: dict[str, NDArray[np.float32]] = {}
    for _ in range(given.rounds):
        for name, compute in sides.items():
            seconds, vectors[name] = clocked(compute)
            spent[name].append(seconds / len(bodies) * 1000)
    cpu = torch.device("cpu")
    print(f"{len(bodies)} texts, bfloat16 in hardware: {computes_bfloat16(cpu)}")
    base = np.array(spent["sentence-transformers"])
    for name, milliseconds in spent.items():
        ratios = base / np.array(milliseconds)
        overlap = top10_overlap(vectors[name], vectors["sentence-transformers"])
        cosine = float((vectors[name] * vectors["sentence-transformers"]).sum(axis=1).min())
        print(
            f"  {name:24} {np.median(milliseconds):6.1f} CPU-ms a text"
            f"  {np.median(ratios):.2f}x ({ratios.min():.2f}–{ratios.max():.2f})"
            f"  top-10 overlap {overlap:.4f}  least cosine {cosine:.4f}"
        )


if __name__ == "__main__":
    main()
