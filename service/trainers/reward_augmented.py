"""Reward-augmented pairs (arXiv 2410.08067): each pair twice, once for each answer's score."""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from service.export.layout import PairLayout, Row, TrainingPair
from service.export.plain import MESSAGES, plain
from service.formats.record import RowError

GOAL = (
    "Give an answer with this target score, on a scale from {low:g} to {high:g} where higher is"
    " better. Overall score: {score:g}."
)


class RewardAugmented(PairLayout):
    """C06: with the score of the chosen answer as the goal the order stays, with that of the
    rejected one it is reversed. The goal is a system message; one that is there follows it.

    At inference ask for `high`. The wording is ours, not that of the authors' code.
    """

    name: ClassVar[str] = "reward_augmented"
    description: ClassVar[str] = "TRL preference with the answer's score as a goal: two rows a pair"
    needs_scores: ClassVar[bool] = True

    low: float = Field(default=1.0, description="of the scale that the goal names")
    high: float = 10.0

    def features(self) -> Any:
        names = ("prompt", "chosen", "rejected")
        return pa.schema([*((name, MESSAGES) for name in names), ("goal", pa.float64())])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            answers = (plain(pair.chosen), plain(pair.rejected))
            scores = (score_of(pair.score_chosen), score_of(pair.score_rejected))
            for score, (better, worse) in zip(scores, (answers, answers[::-1]), strict=True):
                prompt = self.asked(plain(pair.prompt), score)
                values = {"prompt": prompt, "chosen": better, "rejected": worse, "goal": score}
                yield Row(values, pair.origin)

    def asked(self, prompt: Sequence[dict[str, str]], score: float) -> list[dict[str, str]]:
        goal = GOAL.format(low=self.low, high=self.high, score=score)
        if prompt and prompt[0]["role"] == "system":
            head = {"role": "system", "content": f"{goal}\n\n{prompt[0]['content']}"}
            return [head, *prompt[1:]]
        return [{"role": "system", "content": goal}, *prompt]


def score_of(score: float | None) -> float:
    if score is None or not isfinite(score):
        detail = "the pair has no score of each answer: score_chosen, score_rejected"
        raise RowError("not_expressible", detail, "score_chosen")
    return score
