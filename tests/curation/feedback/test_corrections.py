from collections import Counter

import numpy as np
import pytest

from curation.feedback.caps import capped, leaders
from curation.feedback.conversations import Conversation, judgments
from curation.feedback.corrections import Correction, Way, corrections, verdicts
from tests.curation.feedback.talking import talk

GOOD, BAD, NONE, BOTH = (0.9, 0.1), (0.1, 0.8), (0.1, 0.1), (0.9, 0.9)
ASKED = talk("Write X", "A1", "No, you ignored the table", "A2", "Perfect, thanks")


def found(
    talks: list[Conversation],
    said: dict[str, tuple[float, float]],
    ways: tuple[Way, ...] = ("later", "same_prompt"),
    within: int = 4,
) -> tuple[list[Correction], Counter[str]]:
    turns = list({one.key: one for each in talks for one in judgments(each)}.values())
    p = np.array([said.get(one.text, NONE) for one in turns]).reshape(-1, 2)
    skipped: Counter[str] = Counter()
    read = verdicts(turns, p, 0.5)
    pairs = corrections(talks, read, ways, within, skipped)
    return pairs, skipped + read.dropped


READ = {"No, you ignored the table": BAD, "Perfect, thanks": GOOD}


def test_the_later_answer_that_pleased_is_better_than_the_one_that_did_not() -> None:
    pairs, skipped = found([ASKED], READ)
    assert [(one.rejected, one.chosen, one.way) for one in pairs] == [("A1", "A2", "later")]
    assert [message["content"] for message in pairs[0].prompt] == ["Write X"]
    assert (pairs[0].turn, pairs[0].chosen_turn, pairs[0].complaint.said.turn) == (1, 3, 2)
    assert pairs[0].confidence == pytest.approx(0.8 * 0.9)
    assert not +skipped


def test_a_complaint_without_a_later_praise_gives_no_pair() -> None:
    pairs, skipped = found([ASKED], {"No, you ignored the table": BAD})
    assert pairs == []
    assert skipped == {"no_better_answer": 1}


def test_the_next_attempt_counts_only_where_it_is_asked_for_and_nobody_complains() -> None:
    blamed = {"No, you ignored the table": BAD}
    pairs, _ = found([ASKED], blamed, ("later", "revised"))
    assert [(one.chosen, one.way, one.praise) for one in pairs] == [("A2", "revised", None)]
    assert pairs[0].confidence == pytest.approx(0.8 / 2)
    again = talk("Write X", "A1", "bad", "A2", "bad again")
    assert found([again], {"bad": BAD, "bad again": BAD}, ("revised",))[0] == []


def test_another_answer_to_the_same_prompt_counts_in_the_same_tree_only() -> None:
    one, other = talk("Write X", "A1", "bad"), talk("Write X", "B1", "good")
    said = {"bad": BAD, "good": GOOD}
    pairs, _ = found([one, other], said)
    assert [(each.rejected, each.chosen, each.way) for each in pairs] == [
        ("A1", "B1", "same_prompt")
    ]
    elsewhere = talk("Write X", "B1", "good", place="d")
    assert found([one, elsewhere], said)[0] == []


def test_a_turn_that_praises_and_complains_is_dropped_and_so_are_torn_answers() -> None:
    assert found([ASKED], READ | {"No, you ignored the table": BOTH})[1] == {
        "sat_and_dsat_same_turn": 1
    }
    branches = [talk("Write X", "A1", "bad", "A2", "good"), talk("Write X", "A1", "good")]
    pairs, skipped = found(branches, {"bad": BAD, "good": GOOD})
    assert pairs == []
    assert skipped["users_disagree"] == 1


def test_the_same_conversation_twice_gives_one_pair_in_any_order() -> None:
    other = talk("Write Y", "B1", "bad", "B2", "good", id="d", place="d")
    said = READ | {"bad": BAD, "good": GOOD}
    once, _ = found([ASKED, other], said)
    again, _ = found([other, ASKED, ASKED, other], said)
    assert [one.key for one in once] == [one.key for one in again]
    assert len(once) == 2


def test_equal_answers_are_no_pair_and_far_ones_are_out_of_reach() -> None:
    same = talk("Write X", "A1", "bad", "A1 ", "good")
    assert found([same], {"bad": BAD, "good": GOOD})[1]["equal_texts"] == 1
    long = talk("Write X", "A1", "bad", "A2", "go on", "A3", "good")
    assert found([long], {"bad": BAD, "good": GOOD}, within=1)[0] == []
    assert len(found([long], {"bad": BAD, "good": GOOD}, within=2)[0]) == 1


def test_a_first_turn_judges_nothing_and_neither_does_one_without_a_request() -> None:
    assert [one.turn for one in judgments(talk("thanks"))] == []
    greeted = Conversation("c", "c", [{"role": "assistant", "content": "Hi"}, *ASKED.messages])
    assert [one.text for one in judgments(greeted)] == ["No, you ignored the table",
                                                        "Perfect, thanks"]  # fmt: skip


def test_caps_keep_the_surest_of_a_user_and_of_a_cluster() -> None:
    talks = [
        talk("Write X", "A1", f"bad {n}", "A2", "good", id=str(n), place=n, user=user)
        for n, user in enumerate(["u", "u", "u", None, None])
    ]
    said = {f"bad {n}": (0.1, 0.9 - n / 20) for n in range(5)} | {"good": GOOD}
    pairs = [found([each], said)[0][0] for each in talks]
    skipped: Counter[str] = Counter()
    clusters = np.array([0, 1, 2, 3, 3], np.int64)
    kept = capped(pairs, clusters, 2, 1, skipped)
    assert [one.conversation.id for one in kept] == ["0", "1", "3"]
    assert skipped == {"over_cap_per_user": 1, "over_cap_per_cluster": 1}
    assert len(capped(pairs, clusters, None, None, Counter())) == 5


def test_rows_join_the_first_leader_that_is_near_enough() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.96, 0.28], [0.6, 0.8]])
    assert leaders(vectors, 0.8).tolist() == [0, 1, 0, 1]
    assert leaders(vectors, 1.0).tolist() == [0, 1, 2, 3]
    assert leaders(np.zeros((0, 2)), 0.8).tolist() == []
