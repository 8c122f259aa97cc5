"""Which recipes are worth comparing on some pairs within a time, and why the others are not."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from curation.recipes import RECIPES, Recipe, What, runs
from curation.recipes.cost import PER_THOUSAND, TEXT, kind_of
from curation.selectors.every import Every
from curation.signals import Level, Signal
from curation.signals.embedding import Embedding
from service.advice.deciding import LEAST_SPLITS
from service.advice.measuring import row_wise

BASELINE = "random"
FIRST = "safe_default"  # what there is time for in any case; then the cheapest
UPLOAD = "it reads what labels say besides: `prefsift upload` the files, and ask for advice on that"
Code: TypeAlias = Literal["needs", "pairs", "every", "model", "time", "failed"]
SPLIT = 0.25  # seconds that heads take on a split of a thousand pairs, besides the recipe
TRAINING = 0.8  # of the pairs


class LeftOut(NamedTuple):
    """`code`: needs (something that is not there), pairs (it builds its own), every (it keeps all),
    model (it embeds by another), time (too short), failed (on these pairs)."""

    recipe: str
    runs: str
    code: Code
    why: str


class Candidates(NamedTuple):
    """By name: a recipe's id, or what names another contender."""

    recipes: dict[str, Recipe]
    left_out: tuple[LeftOut, ...]


def applicable(
    wanted: Mapping[str, Recipe] | None, present: Mapping[What, int], facts: bool
) -> Candidates:
    """Those of the wanted recipes, of all shipped ones where None, that can be compared at all.

    `present`: how many there are of what recipes need, 0 where there is none. `facts`: whether
    what the labels say besides (votes, who voted) is at hand: not where only files are read.
    """
    given = {name: each for name, each in RECIPES.items() if name != BASELINE}
    recipes: dict[str, Recipe] = {}
    left_out: list[LeftOut] = []
    for name, recipe in (given if wanted is None else wanted).items():
        found = runs(recipe.needs, present)
        if recipe.pairs is not None:
            why = "it builds pairs of its own: no random subset of these pairs compares with it"
            left_out.append(LeftOut(name, str(found), "pairs", why))
        elif isinstance(recipe.selector, Every):
            why = "it keeps every pair that the budget allows: it adds columns, it does not select"
            left_out.append(LeftOut(name, str(found), "every", why))
        elif not facts and reads_labels(recipe):
            left_out.append(LeftOut(name, str(found), "needs", UPLOAD))
        elif found.missing:
            left_out.append(LeftOut(name, str(found), "needs", found.refusal()))
        elif any(embeds_otherwise(signal) for signal in recipe.signals.values()):
            why = "it embeds by another model than the heads that all recipes are compared by"
            left_out.append(LeftOut(name, str(found), "model", why))
        else:
            recipes[name] = recipe
    return Candidates(recipes, tuple(left_out))


def reads_labels(recipe: Recipe) -> bool:
    """Besides which response is chosen."""
    needed = (need for need in recipe.needs if need.without is None and not need.of_installation)
    return any(signal.facts for signal in recipe.signals.values()) or any(needed)


def embeds_otherwise(signal: Signal) -> bool:
    own = signal if signal.level == Level.text else getattr(signal, "embedder", None)
    return own is not None and own.identity() != Embedding().identity()


def affordable(
    found: Candidates, present: Mapping[What, int], pairs: int, seconds: float, pace: float
) -> Candidates:
    """Those of which enough splits can be measured in `seconds`, in the order of `rank`.

    `pace`: how many times slower this machine is than the one that `curation.recipes.cost` was
    measured on. What several recipes score by is scored once.
    """
    recipes: dict[str, Recipe] = {}
    left_out = list(found.left_out)
    scored: set[str] = set()
    left = seconds
    for name, recipe in sorted(found.recipes.items(), key=rank):
        new = {signal.identity(): signal for signal in row_wise(recipe)}
        once = sum(of(signal) for identity, signal in new.items() if identity not in scored)
        needed = pace * pairs / 1000 * (once + LEAST_SPLITS * per_split(recipe))
        if needed <= left:
            recipes[name] = recipe
            left -= needed
            scored |= set(new)
        else:
            why = f"comparing it takes about {needed:,.0f} s, and {max(left, 0):,.0f} s are left"
            left_out.append(LeftOut(name, str(runs(recipe.needs, present)), "time", why))
    return Candidates(recipes, tuple(left_out))


def rank(named: tuple[str, Recipe]) -> tuple[bool, float, str]:
    """In which order recipes get their time."""
    name, recipe = named
    return name != FIRST, price(recipe), name


def price(recipe: Recipe) -> float:
    """Seconds a thousand pairs to select by the recipe once, embedding left out: how simple it is.

    Of two equal recipes the cheaper is recommended.
    """
    return sum(of(signal) for signal in recipe.signals.values())


def per_split(recipe: Recipe) -> float:
    """Seconds a thousand pairs of the arena."""
    learnt = [signal for signal in recipe.signals.values() if signal.whole_dataset]
    return SPLIT + TRAINING * sum(map(of, learnt))


def of(signal: Signal) -> float:
    return PER_THOUSAND.get(kind_of(signal), 0.0)


def embedding_pace(seconds: float, texts: int) -> float:
    """From how long so many texts took."""
    return seconds * 1000 / max(texts, 1) / TEXT
