"""The audit itself: posteriors, noise rates with intervals, what to do with each label, and why."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.audit.checked import from_verified
from curation.audit.content import Content
from curation.audit.extra_signals import extra_signals
from curation.audit.near_repeats import near_repeats
from curation.audit.posterior import Posterior, posterior
from curation.audit.questions import Questions
from curation.consensus.votes import A, Anchors
from curation.items import Floats
from curation.noise.actions import Ruling, rule
from curation.noise.confident import confident_errors
from curation.noise.conformal import Certificate, select_flips
from curation.noise.contradictions import repeated, tension
from curation.noise.em import Denoised, denoise, sharpened
from curation.noise.rate import (
    Rate,
    from_confident_learning,
    from_gold,
    from_posteriors,
    from_repeats,
)
from curation.noise.transitivity import told_by_others

ALPHA = 0.1  # of certified flips, the share that may be right labels
LEAST_CALIBRATION = 50  # verified answers, for a certificate


@dataclass(frozen=True)
class Assessment:
    """Columns in the order of the questions. `p_a` P(a better than b), 0..1; `p_correct` that the
    label is right, NaN for ties. `columns`: "<signal>.<output>" -> (n,). `identified` says whether
    a noise rate may be named; `refusals` why something may not."""

    posterior: Posterior
    p_correct: Floats
    ruling: Ruling
    columns: dict[str, Floats]
    rates: list[Rate]
    em: Denoised
    certificate: Certificate | None
    identified: bool
    refusals: tuple[str, ...]


def assess(questions: Questions, content: Content, anchors: Anchors, seed: int = 0) -> Assessment:
    decided = questions.decided
    found = posterior(questions, anchors, evidence(questions, content))
    p_correct = np.where(decided, of_label(questions, found.p_a), np.nan)
    em = em_of(questions, content)
    others, against = repeats(questions)
    near, near_against = near_repeats(questions)
    told = told_by_graph(questions)
    strain = strained(questions)
    columns = {f"{name}.p_a": p for name, p in found.others.items()}
    columns |= {
        "content.p_correct": np.where(decided, content.p_correct, np.nan),
        "content.margin": np.where(decided, content.margin, np.nan),
        "content.spread": np.where(decided, content.spread, np.nan),
        **doubts_of_heads(content, decided),
        "em.p_correct": spread_out(em.p_correct, learnt(questions, content)),
        "verified.p_correct": from_verified(questions, anchors, seed),
        "disagreement.share": disagreement(questions),
        "repeats.others": others,
        "repeats.against": against,
        "near_repeats.others": near,
        "near_repeats.against": near_against,
        "graph.p_a": told,
        "graph.tension": strain,
        **extra_signals(questions, found.reliability),
    }
    witnesses = {
        "consensus": np.where(decided, consensus_witness(questions, found), np.nan),
        "content": columns["content.p_correct"],
        "verified": columns["verified.p_correct"],
        "repeats": np.where((others > 0) & decided, 1 - against, np.nan),
        "near_repeats": np.where((near > 0) & decided, 1 - near_against, np.nan),
        "graph": np.where((told != 0.5) & decided, of_label(questions, told), np.nan),
    }
    certificate = certified(questions, content, anchors)
    flips = wrong_by_anchor(questions, anchors)
    if certificate is not None:
        flips |= certificate.kept & decided
    refusals, identified = refused(questions, found, content, em, anchors)
    ruling = rule(p_correct, witnesses, flips, identified=identified)
    rates = noise_rates(questions, content, em, anchors, others, against, seed)
    return Assessment(
        found, p_correct, ruling, columns, rates, em, certificate, identified, tuple(refusals)
    )


def wrong_by_anchor(questions: Questions, anchors: Anchors) -> NDArray[np.bool_]:
    found = np.zeros(len(questions), bool)
    found[anchors.items] = questions.labels[anchors.items] != questions.truth[anchors.items]
    return found & questions.decided


def content_p_a(questions: Questions, content: Content) -> Floats | None:
    """None where there is no scorer; .5 where it says nothing."""
    if content.why is not None:
        return None
    towards_a = np.where(questions.labels == 1, 1 - content.p_correct, content.p_correct)
    return np.nan_to_num(towards_a, nan=0.5)


def doubts_of_heads(content: Content, decided: NDArray[np.bool_]) -> dict[str, Floats]:
    """S12 over the text heads: how unsure each of them is, and how far they differ."""
    columns = {"content.expected": content.expected, "content.mutual": content.mutual}
    return {name: np.where(decided, bits, np.nan) for name, bits in columns.items()
            if bits is not None}  # fmt: skip


def learnt(questions: Questions, content: Content) -> NDArray[np.bool_]:
    return questions.decided & np.isfinite(content.p_correct)


def em_of(questions: Questions, content: Content) -> Denoised:
    rows = learnt(questions, content)
    refit = sharpened(content.margin[rows])
    return denoise(content.p_correct[rows], oof_accuracy=content.accuracy, refit=refit)


def spread_out(values: Floats, rows: NDArray[np.bool_]) -> Floats:
    column = np.full(len(rows), np.nan)
    column[rows] = values
    return column


def evidence(questions: Questions, content: Content) -> dict[str, Floats]:
    """P(a better) by witnesses that are independent of the label and of each other."""
    found = {"graph": told_by_graph(questions)}
    from_texts = content_p_a(questions, content)
    return found if from_texts is None else {"content": from_texts, **found}


def of_label(questions: Questions, p_a: Floats) -> Floats:
    return np.where(questions.labels == A, p_a, 1 - p_a)


def told_by_graph(questions: Questions) -> Floats:
    found = np.full(len(questions), 0.5)
    rows = np.flatnonzero(questions.compared)
    ends = (questions.prompts[rows], questions.a[rows], questions.b[rows])
    found[rows] = told_by_others(*ends, signs(questions)[rows])
    return found


def strained(questions: Questions) -> Floats:
    found = np.zeros(len(questions))
    rows = np.flatnonzero(questions.compared)
    found[rows] = tension(questions.a[rows], questions.b[rows], signs(questions)[rows])
    return found


def signs(questions: Questions) -> Floats:
    return np.array([1.0, -1.0, 0.0, 0.0])[questions.labels]


def disagreement(questions: Questions) -> Floats:
    """(n,): the share of a pair's votes that are not what most say; 0 where all agree."""
    votes = questions.votes.votes
    tallies = np.stack([
        np.bincount(votes.items[votes.said == said], minlength=len(questions)) for said in range(3)
    ]).astype(np.float64)  # fmt: skip
    total = tallies.sum(axis=0)
    return np.where(total > 0, 1 - tallies.max(axis=0, initial=0) / np.maximum(total, 1), 0.0)


def repeats(questions: Questions) -> tuple[Floats, Floats]:
    """The same question asked again on another line: how often, and the share that disagrees."""
    n = len(questions)
    others, against = np.zeros(n), np.zeros(n)
    rows = np.flatnonzero(questions.decided)
    if questions.texts is None or len(rows) == 0:
        return others, against
    prompts, a, b = zip(*(normal(*questions.texts[i]) for i in rows.tolist()), strict=True)
    others[rows], against[rows] = repeated(prompts, a, b, questions.labels[rows] == A)
    return others, against


def normal(*texts: str) -> tuple[str, ...]:
    """Without regard to case and white space."""
    return tuple(" ".join(text.casefold().split()) for text in texts)


def consensus_witness(questions: Questions, found: Posterior) -> Floats:
    """What several voters make of the label; a lone label can't bear witness to itself."""
    if found.method == "prior":
        return np.full(len(questions), np.nan)
    p_a = found.others["majority"] if found.method != "anchored" else found.p_a
    return of_label(questions, p_a)


def certified(questions: Questions, content: Content, anchors: Anchors) -> Certificate | None:
    """Flips with an FDR guarantee, from verified answers that content's scores never saw."""
    rows = learnt(questions, content)
    known = anchors.items[rows[anchors.items]]
    if len(known) < LEAST_CALIBRATION:
        return None
    right = (questions.labels[known] == A) == (questions.truth[known] == A)
    scores = np.where(rows, np.nan_to_num(content.margin), 0.0)
    return select_flips(scores, scores[known], right, ALPHA)


def refused(
    questions: Questions, found: Posterior, content: Content, em: Denoised, anchors: Anchors
) -> tuple[list[str], bool]:
    """Reasons, and whether a noise rate may be named at all."""
    reasons: list[str] = []
    if questions.decided.sum() < 20:
        reasons.append("too few labels: fewer than 20 decided pairs")
    if found.bias_possible:
        reasons += found.warnings
    if content.why is not None:
        reasons.append(f"not identified: no content scorer ({content.why})")
    elif em.why is not None:
        reasons.append(f"not identified: {em.why}")
    gold = len(anchors.items) >= 20
    voted = found.method in ("glad", "anchored") and not found.bias_possible
    return reasons, bool(gold or voted or (em.why is None and content.strong))


def noise_rates(
    questions: Questions,
    content: Content,
    em: Denoised,
    anchors: Anchors,
    others: Floats,
    against: Floats,
    seed: int,
) -> list[Rate]:
    """D06: four estimators; each is refused where it does not stand on enough."""
    rows = learnt(questions, content)
    asked = (others > 0) & questions.decided
    compared = int(others[asked].sum() / 2)
    agreeing = compared - round(float((others * against)[asked].sum()) / 2)
    checked = anchors.items[questions.decided[anchors.items]]
    wrong = int((questions.labels[checked] != questions.truth[checked]).sum())
    towards_a = content_p_a(questions, content)
    p_a = np.zeros(0) if towards_a is None else towards_a[rows]
    better = questions.labels[rows] == A

    def count(taken: NDArray[np.int64]) -> float:
        p, label = p_a[taken], better[taken]  # both ways round: which is a means nothing
        both = confident_errors(np.concatenate([p, 1 - p]), np.concatenate([label, ~label]))
        return both.errors / 2

    return [
        from_repeats(agreeing, compared),
        from_gold(wrong, len(checked)),
        from_posteriors(em.p_correct, em.why, seed),
        from_confident_learning(count, len(better), content.accuracy, seed),
    ]
