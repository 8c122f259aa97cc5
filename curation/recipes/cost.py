"""What a recipe costs to compute: seconds of one CPU thread a thousand pairs, roughly."""

from collections.abc import Mapping
from typing import NamedTuple

from curation.recipes.recipe import Recipe
from curation.signals import Signal

# Seconds a thousand pairs, measured by `python -m benchmarks.recipes --costs` on 200 pairs of
# hh_harmless: texts of about 700 characters. A signal that learns from all rows grows with them.
PER_THOUSAND: Mapping[str, float] = {}
TEXT = 0.0  # seconds a thousand texts to embed


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
