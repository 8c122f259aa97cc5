from math import isnan

import pytest

from curation.pairing.facts import FACTS
from curation.pairing.labels import Candidate, Judged, Vote

ANN, BOB, GPT = "ann\0human", "bob\0human", "gpt\0model"
JUDGED = Judged(
    "p",
    {
        "x": Candidate("one", scores={"rm": 1.0, "judge": 3.0}),
        "y": Candidate("two"),
        "z": Candidate("three"),
    },
    votes=[
        Vote("x", "y", "a", ANN), Vote("y", "x", "tie", BOB), Vote("y", "x", "a", GPT),
        Vote("x", "y", "both_bad", BOB), Vote("x", "z", "b", ANN),
    ],
    gold=[(["x"], ["y", "z"])],
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "pair", "value"),
    [
        ("gold", "xy", 1), ("gold", "yx", 0), ("gold", "yz", None),
        ("human_share", "xy", 0.75), ("human_share", "yx", 0.25), ("human_share", "yz", None),
        ("model_share", "xy", 0), ("model_share", "xz", None),
        ("score_chosen", "xy", 2), ("score_chosen", "yx", None), ("score_rejected", "yx", 2),
        ("annotator", "xy", None), ("annotator", "yz", None),
    ],
)  # fmt: skip
def test_a_fact_is_of_the_pair_as_it_is_labelled(name: str, pair: str, value: float | None) -> None:
    found = FACTS[name](JUDGED, *pair)
    assert isnan(found) if value is None else found == value


def test_one_annotator_has_one_number_and_another_an_other() -> None:
    number = FACTS["annotator"](JUDGED, "z", "x")
    assert number == FACTS["annotator"](JUDGED, "x", "z")
    alone = Judged("q", JUDGED.candidates, [Vote("x", "y", "a", BOB)])
    assert number != FACTS["annotator"](alone, "x", "y")
    assert float(int(number)) == number < 2**53


def test_verified_answers_that_contradict_each_other_say_nothing() -> None:
    both = Judged("p", JUDGED.candidates, gold=[(["x"], ["y"]), (["y"], ["x"])])
    assert isnan(FACTS["gold"](both, "x", "y"))
