"""`what_labels_express` of a report: features with their evidence, and pairs that show them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from curation.audit.expressed import Expressed, Feature
from curation.audit.questions import Questions
from curation.structure.feature_flip import FeatureFlip
from curation.structure.naming import Name
from service.audit.collect import Place
from service.audit.table import LABELS

SHOWN = 12  # features that a report lists, expressed or not
CHARACTERS = 700  # of a text in an example
LISTED = 200  # pairs whose labels a policy would turn


def what_labels_express(
    found: Expressed, places: Sequence[Place], questions: Questions
) -> dict[str, Any]:
    return {
        "why": found.why,
        "method": found.method,
        "pairs": found.pairs,
        "features": found.count,
        "tested": len(found.features),
        "found": len(found.found),
        "explained": found.explained,
        "dead": found.dead,
        "auc_length_and_position": found.auc_controls,
        "auc_with_features": found.auc_features,
        "stances_covered": found.coverage,
        "strongest": [described(feature, places, questions) for feature in found.features[:SHOWN]],
    }


def described(feature: Feature, places: Sequence[Place], questions: Questions) -> dict[str, Any]:
    evidence, name = feature.expression, feature.name
    preferred = "more" if evidence.coefficient > 0 else "less"
    return {
        "name": spoken(name),
        "expressed": feature.expressed,
        "preferred": preferred if feature.expressed else None,
        **asdict(evidence),
        "terms_more": name.more,
        "terms_less": name.less,
        "name_correlation": name.correlation,
        "name_checked_on": name.checked,
        "name_holds": name.holds,
        "absent": feature.absent,
        "if_unwanted": None if feature.flip is None else dry_run(feature.flip, places),
        "examples": [example(row, z, places, questions) for row, z in feature.examples],
    }


def dry_run(flip: FeatureFlip, places: Sequence[Place]) -> dict[str, Any]:
    """What turning the labels that a feature drives would do; nothing was turned."""
    return {
        "top": flip.top,
        "labels": len(flip.rows),
        "share_before": flip.before,
        "share_after": flip.after,
        "accuracy_at_top": list(flip.at_top),
        "accuracy_elsewhere": list(flip.elsewhere),
        "turn": [places[row]._asdict() for row in flip.rows[:LISTED].tolist()],
    }


def spoken(name: Name) -> str | None:
    """None where the terms don't follow the feature on other pairs."""
    if not name.holds:
        return None
    parts = (("", name.more), ("not ", name.less))
    return "; ".join(said + ", ".join(terms) for said, terms in parts if terms)


def example(
    row: int, activation: float, places: Sequence[Place], questions: Questions
) -> dict[str, Any]:
    assert questions.texts is not None
    prompt, a, b = questions.texts[row]
    more, less = (a, b) if activation > 0 else (b, a)
    return {
        **places[row]._asdict(),
        "label": LABELS[questions.labels[row]],
        "more": "a" if activation > 0 else "b",
        "activation": abs(activation),
        "prompt": prompt if len(prompt) <= CHARACTERS else "… " + prompt[-CHARACTERS:],
        "response_more": cut(more),
        "response_less": cut(less),
    }


def cut(text: str) -> str:
    return text if len(text) <= CHARACTERS else text[:CHARACTERS] + " …"
