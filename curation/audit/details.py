"""Beside the verdict: annotators by topic, aspect and mind, protocols, principles, candidates."""

from dataclasses import dataclass

import numpy as np

from curation.audit.assess import Assessment
from curation.audit.candidates import Candidates, candidates
from curation.audit.minds import Calibration, Minds, calibrations, minds
from curation.audit.posterior import longer_side
from curation.audit.principles import Principles, principles
from curation.audit.protocols import Protocols, Swapped, protocols, swapped
from curation.audit.questions import UNKNOWN, Questions
from curation.audit.ratings import AspectRatings, Ratings, of_aspects
from curation.audit.strata import Stratum, by_aspect, by_topic
from curation.consensus.votes import A


@dataclass(frozen=True)
class Policy:
    """S10: the share of `pairs` whose labelled response the policy finds likelier; how many
    `referred` pairs have the reference's, and the share it has the wrong way round; on how many
    `voted` of those several annotators decided, and the share that a perfectly trained policy
    would rank as they do."""

    pairs: int
    accuracy: float
    referred: int
    difficult: float
    voted: int
    idealised: float


@dataclass(frozen=True)
class Longer:
    """How often the response with more characters is the better one; one of equal length is not
    longer. Of the decided `labels`, and of the `verified` answers; NaN without any."""

    labels: int
    of_labels: float
    verified: int
    of_verified: float


@dataclass(frozen=True)
class Details:
    topics: list[Stratum]
    topics_why: str | None
    aspects: list[Stratum]
    minds: Minds
    calibration: list[Calibration]
    protocols: list[Protocols]
    swapped: list[Swapped]
    principles: Principles
    candidates: Candidates
    policy: Policy
    longer: Longer | None
    ratings: list[AspectRatings]


def details(
    questions: Questions, ratings: Ratings, assessment: Assessment, seed: int = 0
) -> Details:
    p_a = assessment.posterior.p_a
    found = minds(questions, seed)
    topics, why = topics_of(questions, seed)
    known = assessment.posterior.method != "prior"
    return Details(
        by_topic(questions, p_a, topics) if topics and known else [],
        why if known else "too few labels: nobody judged what others judged",
        by_aspect(questions, p_a) if known else [], found,
        calibrations(questions, assessment.posterior.others.get("content"), found),
        protocols(questions, ratings), swapped(questions, p_a), principles(questions),
        candidates(questions, seed), policy(assessment), longer(questions),
        of_aspects(ratings),
    )  # fmt: skip


def topics_of(questions: Questions, seed: int) -> tuple[list[str] | None, str | None]:
    """As the input names them, else clusters of the prompts' words."""
    if questions.topics is not None:
        return list(questions.topics), None
    if questions.texts is None:
        return None, "the responses are not texts"
    from curation.models.topics import topics

    found = topics([prompt for prompt, _, _ in questions.texts], seed=seed)
    return found, None if found else "too few different prompts"


def longer(questions: Questions) -> Longer | None:
    """None where the responses are not texts."""
    side = longer_side(questions)
    if side is None:
        return None
    labelled, checked = questions.decided, questions.truth != UNKNOWN
    label = np.where(questions.labels == A, 1, -1) == side
    truth = np.where(questions.truth == A, 1, -1) == side
    return Longer(
        int(labelled.sum()), float(label[labelled].mean()) if labelled.any() else float("nan"),
        int(checked.sum()), float(truth[checked].mean()) if checked.any() else float("nan"),
    )  # fmt: skip


def policy(assessment: Assessment) -> Policy:
    ranked = assessment.columns["policy.ranked"]
    hard = assessment.columns["policy.difficulty"]
    ideal = assessment.columns["policy.idealised"]
    own, referred, voted = np.isfinite(ranked), np.isfinite(hard), np.isfinite(ideal)
    return Policy(
        int(own.sum()), float(ranked[own].mean()) if own.any() else float("nan"),
        int(referred.sum()), float((hard[referred] > 0).mean()) if referred.any() else float("nan"),
        int(voted.sum()), float(ideal[voted].mean()) if voted.any() else float("nan"),
    )  # fmt: skip
