"""Does a subset train a better reward head than a random one? On real sets, with planted flips.

    python -m benchmarks.subset_vs_random [--data DIR] [--sets hh_harmless …] [--variants]

Each arm selects from the training prompts of a split with signals fitted there; both heads of
`curation.evaluation` are tested on the labels as given of the held-out prompts. Flips are planted
into the training labels only. Vectors and language-model scores are kept in --cache.
"""

import argparse
import gzip
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from scipy.special import expit

from curation.evaluation.heads import HEADS, accuracies, kernels
from curation.evaluation.intervals import corrected
from curation.evaluation.splits import split
from curation.items import Pairs, View
from curation.recipes import RECIPES, Recipe
from curation.recipes.apply import content_ids, score_by_pair
from curation.selectors import Pool, Selector
from curation.selectors.fifa import Fifa
from curation.selectors.top import Top
from curation.signals import parse_signal
from service.advice.advising import vectors_of

Row = tuple[str, str, str]
DEFAULT_DATA = Path(__file__).parents[1].parent / "shared" / "data"
QA_PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
FRACTIONS = (0.1, 0.5)
DRAWS = 5
SPEAKER = "\n\nAssistant:"


def hh_harmless(folder: Path) -> list[Row]:
    """The shared turns are the prompt; 5 pairs that part earlier are left out."""
    rows: list[Row] = []
    for line in read(folder / "hh_harmless" / "test.jsonl.gz").splitlines():
        record = orjson.loads(line)
        prompt, _, chosen = record["chosen"].rpartition(SPEAKER)
        other, _, rejected = record["rejected"].rpartition(SPEAKER)
        if prompt == other:
            rows.append((prompt.strip(), chosen.strip(), rejected.strip()))
    return rows


def qa_feedback(folder: Path) -> list[Row]:
    rows: list[Row] = []
    for record in orjson.loads(read(folder / "qa_feedback" / "dev_feedback.json.gz")):
        for (i, j), vote in zip(QA_PAIRS, record["preference"], strict=True):
            a, b = record[f"prediction {i + 1}"], record[f"prediction {j + 1}"]
            if vote and a != b:
                rows.append((record["question"], *((a, b) if vote == 1 else (b, a))))
    return rows


def hhh(folder: Path) -> list[Row]:
    """The instruction and the response are cut out of a judge's prompt."""

    def cut(text: str) -> tuple[str, str]:
        _, _, rest = text.partition("###The instruction to evaluate:\n")
        prompt, _, rest = rest.partition("\n\n###Response to evaluate:\n")
        return prompt, rest.partition("\n\n###Score Rubrics:")[0]

    rows: list[Row] = []
    for record in orjson.loads(read(folder / "hhh" / "hhh_alignment_eval.json.gz")):
        (prompt, chosen), (_, rejected) = map(
            cut, (record["chosen_instruction"], record["rejected_instruction"])
        )
        rows.append((prompt, chosen, rejected))
    return rows


SETS: Mapping[str, Callable[[Path], list[Row]]] = {
    "hh_harmless": hh_harmless, "qa_feedback": qa_feedback, "hhh": hhh,
}  # fmt: skip


def read(path: Path) -> bytes:
    with gzip.open(path) as stream:
        return stream.read()


def digest(*texts: str) -> str:
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:24]


def pairs_of(rows: Sequence[Row]) -> Pairs:
    """In the order of their ids."""
    distinct = sorted({digest(*row): row for row in rows}.items())
    columns = list(zip(*(row for _, row in distinct), strict=True))
    prompt_ids = [digest(prompt) for prompt in columns[0]]
    prompts, chosen, rejected = (list(column) for column in columns)
    return Pairs([name for name, _ in distinct], prompt_ids, prompts, chosen, rejected)


def with_vectors(pairs: Pairs) -> Pairs:
    return replace(pairs, vectors=vectors_of(pairs))


def load(name: str, data: Path, cache: Path) -> tuple[Pairs, NDArray[np.float64]]:
    """The pairs with vectors, and the quality of each pair's prompt (NaN: no language model)."""
    pairs = pairs_of(SETS[name](data))
    file = cache / f"{name}-{digest(*pairs.ids)}.npz"
    if not file.exists():
        pairs = with_vectors(pairs)
        quality = score_by_pair(parse_signal({"kind": "prompt_quality"}), pairs)["quality"].values
        cache.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {view.name: matrix for view, matrix in pairs.vectors.items()}
        np.savez(file, quality=quality, **arrays)
    kept = np.load(file)
    return replace(pairs, vectors={view: kept[view.name] for view in View}), kept["quality"]


def flips(kind: str, pairs: Pairs, kernel: NDArray[np.float64]) -> NDArray[np.bool_]:
    """20 % wrong labels: any pair alike, or pairs that a head finds hard more often."""
    rng = np.random.default_rng(20)
    if kind == "as given":
        return np.zeros(len(pairs), np.bool_)
    if kind == "20 % flipped":
        return rng.random(len(pairs)) < 0.2
    margin = np.abs(kernel @ np.ones(len(pairs)))
    ease = margin.argsort().argsort() / len(pairs)
    chance = expit(2 - 6 * ease)
    return rng.random(len(pairs)) < 0.2 * chance / chance.mean()


def flipped(pairs: Pairs, wrong: NDArray[np.bool_]) -> Pairs:
    other = pairs.swapped()

    def pick(own: Sequence[str], swapped: Sequence[str]) -> list[str]:
        return [b if w else a for a, b, w in zip(own, swapped, wrong.tolist(), strict=True)]

    vectors = {v: np.where(wrong[:, None], other.vectors[v], pairs.vectors[v]) for v in View}
    chosen, rejected = pick(pairs.chosen, other.chosen), pick(pairs.rejected, other.rejected)
    return replace(pairs, chosen=chosen, rejected=rejected, vectors=vectors)


class Arm(NamedTuple):
    name: str
    selector: Selector
    margin: str = "margin_mean"  # which output is the term `margin`


def arms(variants: bool) -> list[Arm]:
    shipped: Recipe = RECIPES["fifa"]
    main = [
        Arm("fifa as shipped", shipped.selector, shipped.terms["margin"].partition(".")[2]),
        Arm("fifa, absolute", Fifa(margin="abs")),
        Arm("top margin", Top()),
    ]
    if not variants:
        return main
    more = [
        Arm(f"{normalise} {output} gamma {gamma:g}{' greedy' if mode == 'greedy' else ''}",
            Fifa.model_validate({"normalise": normalise, "gamma": gamma, "mode": mode}), output)
        for output in ("margin_mean", "p_correct", "vote_share")
        for normalise, gamma, mode in (
            ("minmax", 0.5, "relaxed"), ("minmax", 2, "relaxed"), ("rank", 0.5, "relaxed"),
            ("rank", 2, "relaxed"), ("minmax", 0.5, "greedy"), ("minmax", 2, "greedy"),
        )
    ]  # fmt: skip
    return [*main, *more]


def one_split(
    pairs: Pairs, quality: NDArray[np.float64], wrong: NDArray[np.bool_],
    grams: Mapping[str, NDArray[np.float64]], number: int, compared: Sequence[Arm],
) -> dict[tuple[float, str], NDArray[np.float64]]:  # fmt: skip
    """(fraction, head) -> test accuracy of all data, random, and each arm."""
    parts = split(pairs, number, seed=0)
    training = flipped(pairs, wrong).take(parts.train)
    scores = {
        name: np.asarray(column.values, np.float64)
        for kind in ("reward_margin", "knn_novelty")
        for name, column in score_by_pair(parse_signal({"kind": kind}), training).items()
    }
    fixed = {"quality": quality[parts.train], "novelty": scores["log_distance"]}
    pool = Pool(
        training.ids,
        training.prompt_ids,
        content_ids(training),
        fixed,
        training.vectors[View.prompt],
    )
    sign = np.where(wrong, -1.0, 1.0)
    rng = np.random.default_rng([number, 1])
    result: dict[tuple[float, str], NDArray[np.float64]] = {}
    for fraction in FRACTIONS:
        k = round(fraction * len(training))
        sets = [np.arange(len(training))]
        sets += [rng.choice(len(training), k, replace=False) for _ in range(DRAWS)]
        for arm in compared:
            scored = replace(pool, scores={**fixed, "margin": scores[arm.margin]})
            sets.append(arm.selector.select(scored, k).order)
        weights = np.zeros((len(training), len(sets)))
        for column, rows in enumerate(sets):
            weights[rows, column] = 1
        for name, gram in grams.items():
            noisy = gram * np.outer(sign, sign)
            right = accuracies(noisy, HEADS[name].ridge, weights, parts.train, parts.test, sign)
            drawn = right[1 : 1 + DRAWS].mean()
            result[fraction, name] = np.array([right[0], drawn, *right[1 + DRAWS :]])
    return result


def table(name: str, data: Path, cache: Path, splits: int, variants: bool) -> None:
    pairs, quality = load(name, data, cache)
    grams, compared = kernels(pairs), arms(variants)
    labels = ["all data", "random", *(arm.name for arm in compared)]
    for kind in ("as given", "20 % flipped", "hard 20 % flipped"):
        wrong = flips(kind, pairs, grams["selecting"])
        found = [
            one_split(pairs, quality, wrong, grams, number, compared) for number in range(splits)
        ]
        for fraction in FRACTIONS:
            print(f"\n{name}, {len(pairs)} pairs, {kind} ({wrong.mean():.3f}), keep {fraction:.0%}")
            print("| arm | " + " | ".join(f"{head} | − random" for head in HEADS) + " |")
            print("|---" * (1 + 2 * len(HEADS)) + "|")
            for row, label in enumerate(labels):
                cells = [cell([one[fraction, head] for one in found], row) for head in HEADS]
                print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def cell(rows: Sequence[NDArray[np.float64]], row: int) -> str:
    gain = corrected([float(one[row] - one[1]) for one in rows], 0.25)
    middle = f"{np.mean([one[row] for one in rows]):.3f}"
    if row == 1 or gain.low is None or gain.high is None:
        return f"{middle} | "
    return f"{middle} | {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--variants", action="store_true", help="also other parameters of fifa")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "prefsift-benchmarks")
    asked = parser.parse_args()
    for name in asked.sets:
        table(name, asked.data, asked.cache, asked.splits, asked.variants)


if __name__ == "__main__":
    main()
