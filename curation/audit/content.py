"""What the texts alone say about each label: a proxy reward model that never saw the label."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from curation.audit.questions import Questions
from curation.consensus.votes import B
from curation.items import Floats, Pairs, Texts, View
from curation.noise.em import WEAKEST_SCORER
from curation.signals.embedding import Embedding
from curation.signals.reward_margin import ALL_VIEWS, RewardMargin

Progress: TypeAlias = Callable[[float], object]  # told the share of texts that are embedded
VectorsOf: TypeAlias = Callable[[Texts, Progress], Floats]  # (texts, d), unit length

BLOCK = 512  # texts that are embedded between two such reports
LEAST_PAIRS = 100
WITHOUT_VECTORS = ("style", "style_curves", "words", "characters")


@dataclass(frozen=True)
class Content:
    """(n,) each: `p_correct` that the label is right, calibrated to held-out labels; `margin`
    towards the label, and `spread` of the heads. NaN all where there is no scorer: `why`.
    `accuracy` and `calibration_error` on labels it did not see."""

    p_correct: Floats
    margin: Floats
    spread: Floats
    accuracy: float = float("nan")
    calibration_error: float = float("nan")
    why: str | None = None
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    differences: Floats | None = None  # (n, d), embedding of response a − that of b

    @property
    def strong(self) -> bool:
        """Enough for statements about how many labels are wrong."""
        return self.accuracy >= WEAKEST_SCORER


def nothing(n: int, why: str) -> Content:
    unknown = np.full(n, np.nan)
    return Content(unknown, unknown, unknown, why=why)


def embedded(texts: Texts, progress: Progress) -> Floats:
    """By the default model, in blocks."""
    embedder, blocks = Embedding(), list[Floats]()
    for start in range(0, len(texts), BLOCK):
        rows = slice(start, start + BLOCK)
        block = Texts(texts.ids[rows], texts.prefixes[rows], texts.bodies[rows])
        vectors = embedder.score(block).vectors
        assert vectors is not None
        blocks.append(vectors)
        progress(min(start + BLOCK, len(texts)) / len(texts))
    return np.vstack(blocks)


def judge_content(
    questions: Questions,
    *,
    embed: bool,
    seed: int = 0,
    progress: Progress = lambda _: None,
    vectors_of: VectorsOf = embedded,
) -> Content:
    """Fitted on the decided pairs, in folds by prompt; ties are judged, too: as if a were better.

    Without `embed` the views that need vectors are left out: faster, weaker. `vectors_of` is for
    who has vectors already.
    """
    if questions.texts is None:
        return nothing(len(questions), "the responses are not texts")
    if questions.decided.sum() < LEAST_PAIRS:
        return nothing(len(questions), f"fewer than {LEAST_PAIRS} decided pairs")
    pairs = as_pairs(questions)
    if embed:
        pairs = with_vectors(pairs, vectors_of, progress)
    signal = RewardMargin(heads=ALL_VIEWS if embed else WITHOUT_VECTORS, seed=seed)
    decided = np.flatnonzero(questions.decided)
    fit = signal.fit(pairs if len(decided) == len(pairs) else pairs.take(decided))
    if not fit.arrays:
        return nothing(len(questions), "too few different prompts")
    columns = signal.score(pairs, fit).columns
    p_correct, margin, spread = (
        columns[name].values for name in ("p_correct", "margin_mean", "margin_std")
    )
    return Content(
        p_correct, margin, spread, fit.metrics["oof_accuracy"], fit.metrics["oof_ece"],
        metrics=dict(fit.metrics), differences=differences(questions, pairs),
    )  # fmt: skip


def differences(questions: Questions, pairs: Pairs) -> Floats | None:
    if not pairs.has(View.chosen):
        return None
    towards = pairs.vectors[View.chosen] - pairs.vectors[View.rejected]
    return towards * np.where(questions.labels == B, -1, 1).astype(towards.dtype)[:, None]


def as_pairs(questions: Questions) -> Pairs:
    """The labelled side as chosen. A prompt is known by its text: the folds keep it together."""
    texts = questions.texts or ()
    turned = questions.labels == B
    prompts = [prompt for prompt, _, _ in texts]
    chosen = [b if turn else a for (_, a, b), turn in zip(texts, turned, strict=True)]
    rejected = [a if turn else b for (_, a, b), turn in zip(texts, turned, strict=True)]
    return Pairs([str(i) for i in range(len(texts))], prompts, prompts, chosen, rejected)


def with_vectors(pairs: Pairs, vectors_of: VectorsOf, progress: Progress) -> Pairs:
    """Each distinct text embedded once."""
    plain = {View.prompt: pairs.prompts, View.chosen: pairs.chosen, View.rejected: pairs.rejected}
    wanted = {view: [("", text) for text in texts] for view, texts in plain.items()}
    for view, bodies in (
        (View.prompt_chosen, pairs.chosen),
        (View.prompt_rejected, pairs.rejected),
    ):
        wanted[view] = list(zip(pairs.prompts, bodies, strict=True))
    rows = {key: at for at, key in enumerate(dict.fromkeys(k for v in wanted.values() for k in v))}
    keys = list(rows)
    texts = Texts([str(i) for i in range(len(keys))], [k[0] for k in keys], [k[1] for k in keys])
    matrix = vectors_of(texts, progress)
    vectors = {view: matrix[[rows[key] for key in keys]] for view, keys in wanted.items()}
    return Pairs(pairs.ids, pairs.prompt_ids, pairs.prompts, pairs.chosen, pairs.rejected, vectors)
