"""What a recipe costs to compute: seconds of one CPU thread a thousand pairs, roughly."""

from collections.abc import Mapping
from typing import NamedTuple

from curation.recipes.recipe import Recipe
from curation.signals import Signal

# Seconds of one thread a thousand pairs, as `python -m benchmarks.recipe_costs` prints them: 200
# pairs of hh_harmless. Long texts take longer, and signals that learn from all rows grow with them.
PER_THOUSAND: Mapping[str, float] = {
    "annotator_group": 0.1,
    "conformal_keep": 1.4,
    "expressed_feature": 0.2,
    "flip_rate": 1.2,
    "knn_novelty": 0.2,
    "label_em": 1.3,
    "label_facts": 0.0,
    "label_trust": 2.5,
    "list_weight": 0.0,
    "near_duplicates": 0.2,
    "preference_strength": 1.1,
    "prompt_quality": 58.3,
    "response_scores": 0.0,
    "reward_margin": 1.1,
    "routing_gain": 1.8,
    "self_refined": 2.4,
    "semantic_duplicates": 0.1,
    "style": 0.1,
    "topic": 2.6,
    "two_witnesses": 1.5,
    "uncertainty_gap": 1.0,
    "unpaired_weight": 0.2,
}
TEXT = 11.5  # seconds a thousand texts to embed


class Cost(NamedTuple):
    """`texts`: embedded texts a pair, at most. `seconds`: of CPU a thousand pairs."""

    texts: int
    seconds: float

    def of(self, pairs: int) -> float:
        """Seconds for so many pairs."""
        return self.seconds * pairs / 1000


def cost(recipe: Recipe) -> Cost:
    views = {view for signal in recipe.signals.values() for view in signal.views}
    scored = sum(PER_THOUSAND.get(kind_of(signal), 0.0) for signal in recipe.signals.values())
    return Cost(len(views), round(scored + len(views) * TEXT, 1))


def kind_of(signal: Signal) -> str:
    return str(type(signal).model_fields["kind"].default)
