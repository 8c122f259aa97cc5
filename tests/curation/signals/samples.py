"""Small written items of every level, with vectors from the real embedder, and facts of pairs."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from curation.items import Pairs, Prompts, Texts, View
from curation.models.embedder import embed
from curation.signals import Fit, Level, Scores, Signal

TOPICS = ["rain", "bread", "chess", "rivers", "glass", "owls", "trade", "sleep", "maps", "salt"]
ASKED = ["What is {} about?", "Explain {} to a child, please.", "Why do people like {}?"]
ANSWERS = [
    "I am sorry, I cannot help with {}.",
    "{} is simple:\n\n1. look at it\n2. ask about it\n\n**Then** tell a friend.",
    "Some people think a lot about {}, others do not; it depends on where they live.",
    "no idea",
]


def vectors(prefixes: list[str], bodies: list[str]) -> np.ndarray:
    return embed(Texts([str(i) for i in range(len(bodies))], prefixes, bodies)).vectors


def with_vectors(pairs: Pairs) -> Pairs:
    nothing, prompts = [""] * len(pairs), list(pairs.prompts)
    chosen, rejected = list(pairs.chosen), list(pairs.rejected)
    found = {
        View.prompt: vectors(nothing, prompts),
        View.chosen: vectors(nothing, chosen),
        View.rejected: vectors(nothing, rejected),
        View.prompt_chosen: vectors(prompts, chosen),
        View.prompt_rejected: vectors(prompts, rejected),
    }
    return Pairs(pairs.ids, pairs.prompt_ids, pairs.prompts, pairs.chosen, pairs.rejected, found)


def written_pairs() -> Pairs:
    """90 pairs on 30 prompts, with an empty response, equal responses and odd characters."""
    rows: list[tuple[str, str, str]] = []
    for t, topic in enumerate(TOPICS):
        for a, asked in enumerate(ASKED):
            for i in range(3):
                one, two = (t + a + i) % 4, (t + a + i + 1) % 4
                answers = ANSWERS[one].format(topic), ANSWERS[two].format(topic.title())
                rows.append((asked.format(topic), *answers))
    rows[0] = (rows[0][0], "", "something")
    rows[1] = (rows[1][0], "the same", "the same")
    rows[2] = (rows[2][0], "\x00 \ufffd 😀 " * 3, "ﷺ" * 400)
    prompts, chosen, rejected = map(list, zip(*rows, strict=True))
    ids = [f"pair-{i:03d}" for i in range(len(rows))]
    pairs = with_vectors(Pairs(ids, prompts, prompts, chosen, rejected))
    return replace(pairs, facts=facts(len(rows)))


def facts(n: int) -> dict[str, NDArray[np.float64]]:
    """Of two thirds of the pairs a verified answer; votes of people and models of nearly all."""
    rng = np.random.default_rng(7)
    votes = rng.integers(1, 6, n).astype(np.float64)
    human, model = rng.integers(0, 2, (2, n)).astype(np.float64)
    return {
        "gold": np.where(np.arange(n) % 3 == 2, np.nan, rng.integers(0, 2, n)),
        "annotator": np.where(np.arange(n) % 7 == 6, np.nan, np.arange(n) // 2 % 2 + 11.0),
        "votes": votes,
        "agreement": np.ceil(votes / 2) / votes,
        "margin": rng.normal(size=n),
        "soft_label": rng.random(n),
        "curriculum_stage": rng.integers(1, 4, n).astype(np.float64),
        "human_share": human,
        "model_share": np.where(np.arange(n) % 5 == 4, np.nan, model),
        "score_chosen": rng.random(n),
        "score_rejected": rng.random(n),
        "list_weight": np.where(np.arange(n) % 6 == 5, np.nan, rng.random(n)),
        "rated_chosen": np.where(np.arange(n) % 4 == 3, np.nan, rng.random(n)),
        "rated_rejected": rng.random(n),
    }


# What a kind that stands on many labels is tested with: 90 pairs are few.
FEWER = {
    "label_em": {"weakest": 0.0},
    "conformal_keep": {"least": 20, "most_shift": 1.0},
    "two_witnesses": {"least": 10},
    "routing_gain": {"least": 20, "mixes": 40},
}


def items_of(level: Level, pairs: Pairs) -> Texts | Prompts | Pairs:
    if level == Level.pair:
        return pairs
    prompts = pairs.distinct_prompts()
    if level == Level.prompt:
        return prompts
    return Texts(pairs.ids, pairs.prompts, pairs.chosen)


def taken(items: Texts | Prompts | Pairs, rows: list[int]) -> Texts | Prompts | Pairs:
    if isinstance(items, Pairs):
        return items.take(np.array(rows, np.int64))
    ids = [items.ids[i] for i in rows]
    if isinstance(items, Prompts):
        texts = [items.texts[i] for i in rows]
        return Prompts(ids, texts, {view: v[rows] for view, v in items.vectors.items()})
    return Texts(ids, [items.prefixes[i] for i in rows], [items.bodies[i] for i in rows])


def fitted(signal: Signal, items: Texts | Prompts | Pairs) -> Fit | None:
    return signal.fit(items) if signal.whole_dataset else None


def table(scores: Scores) -> np.ndarray:
    """(n, outputs) values, then the vectors if there are any."""
    columns = np.array([column.values for column in scores.columns.values()]).T
    return columns if scores.vectors is None else np.hstack([columns, scores.vectors])
