import pytest

from curation.pairing.labels import Candidate, Judged
from service.formats.record import Comparison, Record, Response
from service.ingest.judging import MAJORITY, Decision, decide, vote
from service.tables.labels import Outcome


def record(*outcomes: str, aspects: tuple[str | None, ...] = ()) -> Record:
    aspects = aspects or (None,) * len(outcomes)
    labels = [
        Comparison(aspect=aspect, a="x", b="y", outcome=Outcome(outcome))
        for outcome, aspect in zip(outcomes, aspects, strict=True)
    ]
    return Record([], (Response("x", "1"), Response("y", "2")), labels)


@pytest.mark.parametrize(
    ("outcomes", "decisions"),
    [
        (["a"], [Decision("x", "y", 1, 1.0, None, 1.0)]),
        (["b", "b", "a"], [Decision("y", "x", 3, 2 / 3, None, 2 / 3)]),
        (["a", "tie", "tie"], [Decision("x", "y", 3, 1 / 3, None, 2 / 3)]),
        (["a", "b"], []),
        (["tie"], []),
        (["both_bad"], []),
        ([], []),
    ],
)
def test_the_majority_decides(outcomes: list[str], decisions: list[Decision]) -> None:
    assert decide(record(*outcomes)) == decisions


def test_overall_judgments_come_before_aspects() -> None:
    assert decide(record("a", "b", "b", aspects=(None, "style", "truth")))[0].chosen == "x"
    assert decide(record("b", "b", aspects=("style", "truth")))[0].chosen == "y"


def test_both_orders_of_two_responses_are_one_pair() -> None:
    labels = (
        Comparison(a="x", b="y", outcome=Outcome.a),
        Comparison(a="y", b="x", outcome=Outcome.b),
    )
    both = Record([], (Response("x", "1"), Response("y", "2")), labels)
    assert decide(both) == [Decision("x", "y", 2, 1.0, None, 1.0)]


def test_responses_that_say_the_same_are_no_pair() -> None:
    same = Record(
        [], (Response("x", "1"), Response("y", "1")), (Comparison(a="x", b="y", outcome=Outcome.a),)
    )
    assert decide(same) == []


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("strength", [None, 0.0, 2.0])
def test_the_fast_path_for_one_vote_says_what_the_policy_says(
    outcome: Outcome, strength: float | None
) -> None:
    one = Comparison(a="x", b="y", outcome=outcome, strength=strength)
    candidates = {"x": Candidate("1"), "y": Candidate("2")}
    built = MAJORITY.build(Judged("", candidates, [vote(one)])).pairs
    found = decide(Record([], (Response("x", "1"), Response("y", "2")), (one,)))
    assert found == [Decision(*pair[:-1]) for pair in built]
