"""One label a pair and nothing else: 20 % turned on purpose, AUROC of finding them among all pairs.

Everything is cross-fitted by prompt. Annotator models see one vote a pair and can't know better
than it (.5). Peers are what a user would write in an evening: scikit-learn's logistic regression on
one view, its probability of the given label being cleanlab's self-confidence. All arms see the same
flips and the same vectors.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from cleanlab.rank import get_label_quality_scores
from crowdkit.aggregation import DawidSkene
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from benchmarks.outcome import Outcome
from benchmarks.subset_vs_random import flipped, load, read
from benchmarks.verified_pairs import crowd_kit
from curation.audit.heads import plan_of
from curation.consensus.majority import majority
from curation.consensus.votes import NONE, Votes
from curation.items import Pairs, View
from curation.models.ensemble import combine, fit_ensemble
from curation.signals.reward_margin import ALL_VIEWS
from service.audit.given import said

RATE = 0.2
ALL = "all views"


def prefsift(pairs: Pairs, views: Sequence[str], seed: int) -> dict[str, NDArray[np.float64]]:
    """Margins of an audit's heads, and of each of their views alone, whatever it is worth there."""
    plan = plan_of(views, seed)
    fit = fit_ensemble(pairs, plan)
    alone = fit_ensemble(pairs, plan._replace(weighed=False)) if plan.weighed else fit
    every = np.concatenate(list(fit.margins.values()), axis=2)
    arms = {**{f"view {name}": m for name, m in alone.margins.items()}, ALL: every}
    return {
        name: combine(pairs.prompt_ids, plan, fit.arrays, margin).mean
        for name, margin in arms.items()
    }


def peer(differences: Any, pairs: Pairs) -> NDArray[np.float64]:
    """log-odds of the label as given; both orders of each pair are shown in training."""
    margin = np.zeros(len(pairs))
    groups = np.array(pairs.prompt_ids, object)
    stack = sparse.vstack if sparse.issparse(differences) else np.vstack
    for train, test in GroupKFold(5).split(margin, groups=groups):
        both: Any = stack([differences[train], -differences[train]])
        labels = np.repeat([1, 0], len(train))
        model = LogisticRegression(fit_intercept=False, max_iter=1000).fit(both, labels)
        margin[test] = model.decision_function(differences[test])
    return margin


def peers(pairs: Pairs) -> dict[str, NDArray[np.float64]]:
    words: Any = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    words.fit([*pairs.chosen, *pairs.rejected])
    tfidf = words.transform(pairs.chosen) - words.transform(pairs.rejected)
    minilm = pairs.vectors[View.prompt_chosen] - pairs.vectors[View.prompt_rejected]
    lengths = np.array(
        [[len(a) - len(b)] for a, b in zip(pairs.chosen, pairs.rejected, strict=True)]
    )
    return {
        "MiniLM": peer(minilm / minilm.std(), pairs),
        "tf-idf": peer(tfidf.tocsr(), pairs),
        "length": peer(lengths / max(lengths.std(), 1), pairs),
    }


@cache
def loaded(name: str, data: Path, cache: Path) -> Pairs:
    """Of qa_feedback with the passages and the reference answer that its records bring."""
    pairs = load(name, data, cache)[0]
    if name != "qa_feedback":
        return pairs
    records = json.loads(read(data / "qa_feedback" / "dev_feedback.json.gz"))
    of = {record["question"]: record for record in records}
    sources = ["\n\n".join(said(of[prompt]["passages"])) for prompt in pairs.prompts]
    reference = [of[prompt]["gold"] for prompt in pairs.prompts]
    return replace(pairs, grounds={"sources": sources, "reference": reference})


def cell(name: str, data: Path, cache: Path, seed: int) -> Outcome:
    pairs = loaded(name, data, cache)
    wrong = np.random.default_rng(seed).random(len(pairs)) < RATE
    noisy = flipped(pairs, wrong)
    found = Outcome(f"{len(pairs):,} pairs, one label each")
    for arm, trust in {**voted(len(pairs)), **learnt(noisy), **scored(noisy, seed)}.items():
        found.auroc[arm] = float(roc_auc_score(wrong, -trust))
    return found


def voted(n: int) -> dict[str, NDArray[Any]]:
    """One annotator that prefers the chosen response of every pair."""
    alone = np.zeros(n, np.int64)
    votes = Votes(np.arange(n), alone, alone, n, 1)
    return {
        "mean vote": majority(votes).p_a,
        "crowd-kit Dawid–Skene": crowd_kit(DawidSkene)(votes, NONE),
    }


def learnt(pairs: Pairs) -> dict[str, NDArray[Any]]:
    return {f"cleanlab over scikit-learn on {view}": quality(margin)
            for view, margin in peers(pairs).items()}  # fmt: skip


def scored(pairs: Pairs, seed: int) -> dict[str, NDArray[Any]]:
    ours = prefsift(pairs, [*ALL_VIEWS, *pairs.grounds], seed)
    audited = {"prefsift, as audited": ours.pop(ALL)}
    if pairs.grounds:
        audited["prefsift, by prompt and responses alone"] = prefsift(pairs, ALL_VIEWS, seed)[ALL]
    single = {f"single reward model: {view.removeprefix('view ')}": margin
              for view, margin in ours.items()}  # fmt: skip
    return {**single, **audited}


def quality(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """cleanlab's self-confidence of labels that all say "chosen"."""
    p = expit(margin)
    given = np.ones(len(p), np.int64)
    return get_label_quality_scores(given, np.column_stack([1 - p, p]), method="self_confidence")
