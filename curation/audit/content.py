"""What the texts alone say about each label: a proxy reward model that never saw the label."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from curation.audit.questions import Questions
from curation.consensus.votes import B
from curation.items import Floats, Pairs, Texts, View
from curation.noise.em import WEAKEST_SCORER
from curation.signals.embedding import Embedding
from curation.signals.reward_margin import ALL_VIEWS

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
    expected: Floats | None = None  # (n,) bits: how unsure a head is, and how far heads differ
    mutual: Floats | None = None
    differences: Floats | None = None  # (n, d), embedding of response a − that of b

    @property
    def strong(self) -> bool:
        """Enough for statements about how many labels are wrong."""
        return self.accuracy >= WEAKEST_SCORER


def nothing(n: int, why: str) -> Content:
    unknown = np.full(n, np.nan)
    return Content(unknown, unknown, unknown, why=why)


def embedded(texts: Texts, progress: Progress) -> Floats:
    """By the default model, in blocks; in half precision, as a dataset keeps vectors: whoever has
    them already gets the same numbers."""
    embedder, blocks = Embedding(), list[Floats]()
    for start in range(0, len(texts), BLOCK):
        rows = slice(start, start + BLOCK)
        block = Texts(texts.ids[rows], texts.prefixes[rows], texts.bodies[rows])
        vectors = embedder.score(block).vectors
        assert vectors is not None
        blocks.append(vectors.astype(np.float16))
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
    from curation.audit.heads import judged_by_heads  # loads torch

    views = [*(ALL_VIEWS if embed else WITHOUT_VECTORS), *pairs.grounds]
    found = judged_by_heads(pairs, np.flatnonzero(questions.decided), views, seed)
    if found is None:
        return nothing(len(questions), "too few different prompts")
    return Content(
        found.p_correct, found.margin, found.spread, found.metrics["oof_accuracy"],
        found.metrics["oof_ece"], metrics=found.metrics, expected=found.expected,
        mutual=found.mutual, differences=differences(questions, pairs),
    )  # fmt: skip


def differences(questions: Questions, pairs: Pairs) -> Floats | None:
    if not pairs.has(View.chosen):
        return None
    chosen, rejected = (pairs.vectors[view] for view in (View.chosen, View.rejected))
    towards = np.subtract(chosen, rejected, dtype=np.float32)
    towards *= np.where(questions.labels == B, -1, 1).astype(np.float32)[:, None]
    return towards


def as_pairs(questions: Questions) -> Pairs:
    """The labelled side as chosen. A prompt is known by its text: the folds keep it together."""
    texts = questions.texts or ()
    turned = questions.labels == B
    prompts = [prompt for prompt, _, _ in texts]
    chosen = [b if turn else a for (_, a, b), turn in zip(texts, turned, strict=True)]
    rejected = [a if turn else b for (_, a, b), turn in zip(texts, turned, strict=True)]
    ids = [str(i) for i in range(len(texts))]
    return Pairs(ids, prompts, prompts, chosen, rejected, grounds=questions.grounds)


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
    return replace(pairs, vectors=vectors)
