"""How well a light classifier reads what users say of the answers before their turns (S13).

    python -m benchmarks.feedback

Trees: labels of one model reader. Dialogues about films: scores of two to seven people for the
system's turn, against what the reply to it says.
"""

import csv
import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from curation.feedback.rubric import SIDES, hits, rubrics
from curation.models.satisfaction import log_odds, recalibrated
from curation.pairing.wildfeedback import CALIBRATES
from curation.signals.embedding import Embedding

DATA = Path(os.environ.get("PREFSIFT_TEST_DATA", "../shared/data"))
KINDS = {"sat": ("SAT", "MIXED"), "dsat": ("DSAT", "REVISE", "MIXED")}
UTTERANCES = 4  # of a group whose last system's turn is scored


def main() -> None:
    print(f"learnt from {sum(len(each.examples) for each in rubrics())} written turns")
    trees()
    films()


def trees() -> None:
    labels: dict[str, str] = json.loads((DATA / "oasst/insitu_labels.json").read_text())["labels"]
    with gzip.open(DATA / "oasst/en_100_tree.jsonl.gz") as file:
        said = dict(pair for line in file for pair in turns(json.loads(line)["prompt"]))
    names = [name for name in labels if name in said]
    texts = [said[name] for name in names]
    p = expit(log_odds(texts, Embedding()))
    for side, name in enumerate(SIDES):
        truth = np.array([labels[id] in KINDS[name] for id in names])
        words = np.array([any(hit.side == name for hit in hits(text)) for text in texts])
        told(f"oasst {name}, classifier", truth, p[:, side] >= 0.5, p[:, side])
        told(f"oasst {name}, patterns alone", truth, words, words.astype(float))


def told(name: str, truth: NDArray[np.bool_], found: NDArray[np.bool_], p: Any) -> None:
    right = int((truth & found).sum())
    brier = float(((p - truth) ** 2).mean())
    print(
        f"{name}: n {len(truth)}, true {truth.sum()}, found {found.sum()}, "
        f"precision {right / max(found.sum(), 1):.2f}, recall {right / truth.sum():.2f}, "
        f"kappa {cohen_kappa_score(truth, found):.2f}, AUROC {roc_auc_score(truth, p):.3f}, "
        f"Brier {brier:.3f} (constant {truth.mean() * (1 - truth.mean()):.3f})"
    )


def turns(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if node["role"] == "prompter":
        yield node["message_id"], node["text"]
    for reply in node["replies"]:
        yield from turns(reply)


def films() -> None:
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    with gzip.open(DATA / "ab_redial/annotated_turns.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for dialogue, text, score in replies(row):
                scores[dialogue, text].append(score)
    found = log_odds([text for _, text in scores], Embedding())
    mean = np.array([np.mean(given) for given in scores.values()])
    for side, name in enumerate(SIDES):
        words = [any(hit.side == name for hit in hits(text)) for _, text in scores]
        print(
            f"ab_redial {name}: n {len(mean)}, Spearman with the mean score of people "
            f"{rank(found[:, side], mean):.3f}, patterns alone "
            f"{rank(words, mean):.3f}"
        )
        share = (mean - 1) / 4
        labels = (share >= 0.75 if name == "sat" else share <= 0.25).astype(float)
        fitted = recalibrated(found[:, side], labels, [name for name, _ in scores], CALIBRATES)
        before = ((expit(found[:, side]) - labels) ** 2).mean()
        after = "too few labels" if fitted is None else f"{((fitted - labels) ** 2).mean():.3f}"
        print(
            f"  rated {name} {labels.mean():.2f}: Brier as learnt {before:.3f}, calibrated on"
            f" other dialogues {after}, constant {labels.mean() * (1 - labels.mean()):.3f}"
        )


def rank(a: Any, b: Any) -> float:
    """Spearman's correlation."""
    found: Any = spearmanr(a, b)
    return float(found[0])


def replies(row: dict[str, str]) -> Iterator[tuple[str, str, float]]:
    """What the user says next to each scored turn, and its score of 1 to 5."""
    for group in (1, 2, 3):
        own = [f"utterance{n}" for n in range((group - 1) * UTTERANCES, group * UTTERANCES)]
        spoken = [name for name in own if (row.get(name) or "").startswith("SYSTEM")]
        if not spoken or not row.get(f"overall{group}"):
            continue
        reply = row.get(f"utterance{int(spoken[-1].removeprefix('utterance')) + 1}") or ""
        if reply.startswith("USER"):
            yield row["ConvId"], reply.partition("\t")[2], float(row[f"overall{group}"])


if __name__ == "__main__":
    main()
