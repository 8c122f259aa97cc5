"""report.json: what an audit found, in numbers that a person or a program can act on."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from curation.audit.annotators import Agreement, Annotator
from curation.audit.assess import Assessment
from curation.audit.content import Content
from curation.audit.details import Details
from curation.audit.expressed import Expressed
from curation.audit.habits import Habits, Order
from curation.audit.questions import UNKNOWN, Questions
from curation.consensus.votes import Anchors
from curation.uncertainty.calibration import calibration_error, likelier_side, reliability
from service.audit.collect import Collected
from service.audit.detailed import detailed
from service.audit.diagnosed import before_and_after
from service.audit.expressed import what_labels_express
from service.audit.table import LABELS

VERSION = 1
SHOWN = 20  # pairs to look at first


@dataclass(frozen=True)
class Findings:
    """Everything an audit computed, before it is put into words."""

    collected: Collected
    questions: Questions
    anchors: Anchors
    content: Content
    assessment: Assessment
    annotators: list[Annotator]
    agreement: Agreement
    habits: Habits
    order: Order
    details: Details
    expressed: Expressed
    seed: int
    warnings: tuple[str, ...] = ()


def report(found: Findings) -> dict[str, Any]:
    """JSON: numbers are finite or null."""
    assessment, questions = found.assessment, found.questions
    labels = np.bincount(questions.labels, minlength=len(LABELS)).tolist()
    return plain(
        {
            "version": VERSION,
            "seed": found.seed,
            "files": found.collected.layouts,
            "records": found.collected.records,
            "rejected": [reject._asdict() for reject in found.collected.rejects],
            "pairs": len(questions),
            "labels": dict(zip(LABELS, labels, strict=True)),
            "judgments": len(questions.votes.votes),
            "method": assessment.posterior.method,
            "anchors": len(found.anchors.items),
            "verified": int((questions.truth != UNKNOWN).sum()),
            "likely_wrong": likely_wrong(found),
            "noise_rates": [rate._asdict() for rate in assessment.rates],
            "refusals": list(assessment.refusals),
            "warnings": [*found.warnings, *assessment.posterior.warnings],
            "shared_bias": [each._asdict() for each in assessment.posterior.findings],
            "actions": dict(sorted(Counter(assessment.ruling.actions.tolist()).items())),
            "content": content(found.content),
            "annotators": [asdict(annotator) for annotator in found.annotators],
            "agreement": agreement(found),
            "habits": habits(found.habits),
            "what_labels_express": what_labels_express(
                found.expressed, found.collected.places, questions
            ),
            "cycles": {"cyclic_share": found.order.cyclic_share, **found.order.triads._asdict()},
            **detailed(found.details, found.collected.rated),
            "hidden_answers": hidden_answers(found),
            "look_at_first": look_at_first(found),
        }
    )


SUMMARISED = (
    "version", "seed", "records", "pairs", "labels", "judgments", "method", "anchors", "verified",
    "likely_wrong", "noise_rates", "refusals", "warnings", "actions", "content", "hidden_answers",
)  # fmt: skip


def summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a report says without texts and without names of files and annotators."""
    kept = {name: report[name] for name in SUMMARISED}
    return {**kept, "rejected": len(report["rejected"])}


def likely_wrong(found: Findings) -> dict[str, Any]:
    """Of the decided labels. The number is withheld where nothing identifies it."""
    p = found.assessment.p_correct
    known = p[np.isfinite(p)]
    if not found.assessment.identified:
        return {"labels": None, "of": len(known), "why": "; ".join(found.assessment.refusals)}
    return {"labels": round(float((1 - known).sum())), "of": len(known), "why": None}


def content(found: Content) -> dict[str, Any]:
    strength = "none" if found.why else ("strong" if found.strong else "weak")
    return {
        "strength": strength,
        "why": found.why,
        "out_of_fold_accuracy": found.accuracy,
        "calibration_error": found.calibration_error,
    }


def agreement(found: Findings) -> dict[str, Any]:
    names = found.questions.votes.names
    pairs = [
        {**each._asdict(), "one": names[each.one], "other": names[each.other]}
        for each in sorted(found.agreement.pairs, key=lambda each: -each.items)[:200]
    ]
    return {"alpha": found.agreement.alpha, "fleiss": found.agreement.fleiss, "pairs": pairs}


def habits(found: Habits) -> dict[str, Any]:
    return {
        "before": [asdict(factor) for factor in found.before],
        "after": [asdict(factor) for factor in found.after],
        **before_and_after(found.diagnostics),
    }


def hidden_answers(found: Findings) -> dict[str, Any] | None:
    """How right the posteriors are on verified answers that no model saw."""
    truth = found.questions.truth
    hidden = truth != UNKNOWN
    hidden[found.anchors.items] = False
    if not hidden.any():
        return None
    p_a, better = found.assessment.posterior.p_a[hidden], truth[hidden] == 0
    table = reliability(*likelier_side(p_a, better))
    right = float(((p_a > 0.5) == better).mean())
    return {
        "answers": int(hidden.sum()),
        "accuracy": right,
        "calibration_error": calibration_error(table),
        "table": [each._asdict() for each in table],
    }


def look_at_first(found: Findings) -> list[dict[str, Any]]:
    """The labels that are least likely to be right, verified ones aside."""
    p = found.assessment.p_correct.copy()
    p[found.anchors.items] = np.nan
    places, texts = found.collected.places, found.questions.texts
    ruling = found.assessment.ruling
    rows = [row for row in np.argsort(p, kind="stable")[:SHOWN].tolist() if np.isfinite(p[row])]
    return [
        {
            **places[row]._asdict(),
            "label": LABELS[found.questions.labels[row]],
            "p_correct": p[row],
            "action": ruling.actions[row],
            "witnesses": list(ruling.witnesses[row]),
            "texts": list(texts[row]) if texts is not None else None,
        }
        for row in rows
    ]


def plain(value: Any) -> Any:
    """JSON has no NaN, and numpy's numbers are not Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
