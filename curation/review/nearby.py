"""What verdicts change at once in a large set: their own pairs, and whom to believe."""

from dataclasses import replace

import numpy as np

from curation.audit.posterior import EDGE, LEAST_ANCHORS, Posterior
from curation.audit.questions import Questions
from curation.consensus.anchored import anchored
from curation.consensus.votes import TIE, Anchors
from curation.review.queue import expected_information
from curation.review.update import Reviewed, answered, settled, with_verdicts
from curation.review.verdicts import Overlay


def reviewed_nearby(
    questions: Questions,
    accuracy: float,
    anchors: Anchors,
    overlay: Overlay,
    start: Posterior,
    ridge: float,
) -> Reviewed:
    """As `reviewed`, from the audit's posteriors `start`, in a second for 100,000 pairs.

    With several voters and five anchors and verdicts in all it is the same. With fewer, or one
    label a pair, neither the other comparisons of a prompt nor the annotators are judged again:
    that is for the next audit. `accuracy` of the content scorer on unseen labels.
    """
    items, said = answered(settled(questions, overlay))
    known = with_verdicts(anchors, items, said)
    labels, compared = questions.labels.copy(), questions.compared.copy()
    labels[items], compared[items] = said, True
    relabelled = replace(questions, labels=labels, compared=compared)
    found = replace(start, p_a=start.p_a.copy())
    several = start.method in ("glad", "anchored")
    if several and len(items) and len(known.items) >= LEAST_ANCHORS:
        consensus = anchored(questions.votes.votes, known, ridge)
        p_a = np.clip(np.nan_to_num(consensus.p_a, nan=0.5), EDGE, 1 - EDGE)
        found = replace(
            start, p_a=p_a, method="anchored", reliability=consensus.reliability, ridge=ridge
        )
    found = replace(found, p_a=known.fix(found.p_a))
    found.p_a[items[said == TIE]] = 0.5
    closed = np.union1d(items, known.items)
    worth = expected_information(relabelled, found, accuracy, closed)
    return Reviewed(overlay.version, relabelled, known, found, items, worth)
