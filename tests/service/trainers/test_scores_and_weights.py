"""Goals out of scores (C06) and weights of single answers (W03), as rows that leave."""

import pytest

from service.formats.record import RowError
from service.trainers.reward_augmented import RewardAugmented
from service.trainers.trl import TrlUnpaired
from tests.service.trainers.pairs import DIALOGUE, pair, rows


def test_a_pair_is_two_rows_in_opposite_orders_with_the_goals_of_the_worked_example() -> None:
    nine, six = rows(RewardAugmented(), [pair(1, score_chosen=9.0, score_rejected=6.0)])
    assert (nine["goal"], six["goal"]) == (9, 6)
    assert nine["chosen"] == six["rejected"] == [{"role": "assistant", "content": "good 1"}]
    assert nine["rejected"] == six["chosen"] == [{"role": "assistant", "content": "bad 1"}]
    assert "Overall score: 9." in nine["prompt"][0]["content"]
    assert nine["prompt"][1:] == six["prompt"][1:] == [{"role": "user", "content": "question 0"}]


def test_a_system_message_stays_behind_the_goal_and_the_pair_is_not_changed() -> None:
    given = pair(1, [*DIALOGUE], score_chosen=2.0, score_rejected=1.0)
    first, second = rows(RewardAugmented(low=1, high=2), [given])
    for row in (first, second):
        assert [said["role"] for said in row["prompt"]] == [said["role"] for said in DIALOGUE]
        assert row["prompt"][0]["content"].endswith("\n\nBe brief.")
    assert given.prompt == DIALOGUE


@pytest.mark.parametrize("score", [None, float("nan")])
def test_a_pair_without_both_scores_is_refused(score: float | None) -> None:
    with pytest.raises(RowError, match="no score of each answer"):
        rows(RewardAugmented(), [pair(1, score_rejected=score)])


def test_undesirable_rows_carry_their_weight_and_desirable_ones_count_once() -> None:
    given = [pair(1, rejected_weight=4.0), pair(2)]
    assert [(row["label"], row["weight"]) for row in rows(TrlUnpaired(weights=True), given)] == [
        (True, 1.0), (False, 4.0), (True, 1.0), (False, 1.0),
    ]  # fmt: skip
    assert TrlUnpaired(weights=True).columns == ("prompt", "completion", "label", "weight")
    assert all("weight" not in row for row in rows(TrlUnpaired(), given))
