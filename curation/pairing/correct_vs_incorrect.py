"""Siblings of a tree: a correct action against an incorrect one (UltraInteract)."""

from itertools import product
from typing import ClassVar, Literal

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.policy import MAX_LIST, Built, BuiltPair, PairPolicy


class CorrectVsIncorrect(PairPolicy):
    """Each verified correct response against each incorrect one of the same prompt (C08a).

    A node of a tree is a prompt whose responses are its children, so the siblings of every turn
    are paired. `each: one` draws one pair a node, as UltraInteract does (arXiv 2404.02078). These
    are gold answers and not votes: keep what evaluates apart from what trains.
    """

    soft_ties: ClassVar[bool] = False

    kind: Literal["correct_vs_incorrect"] = "correct_vs_incorrect"
    each: Literal["one", "all"] = "one"

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        found = {pair: None for good, bad in judged.gold for pair in product(good, bad)}
        both = {pair for pair in found if pair[::-1] in found}
        admission.skipped["contradiction"] += len(both)
        if not found:
            admission.skipped["no_contrast"] += 1
        if len(found) > MAX_LIST**2:
            admission.skipped["too_many_responses"] += 1
            return admission.built([])
        pairs = [
            BuiltPair(a, b, votes=0)
            for a, b in sorted(found.keys() - both)
            if admission.admits(a, b, None)
        ]
        if self.each == "one" and pairs:
            pairs = [min(pairs, key=lambda pair: admission.draw(pair.chosen, pair.rejected))]
        return admission.built(pairs)
