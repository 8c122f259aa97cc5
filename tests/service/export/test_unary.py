"""C10 with its numbers: a pair is two unary rows, a thumb one, and each answer comes once."""

from itertools import combinations

import pytest

from curation.pairing import Built
from service.export.layout import PairLayout, TrainingPair
from service.formats.record import Rating, Record, Response
from service.trainers import LAYOUTS
from tests.curation.pairing.judging import policy, rated
from tests.service.trainers.pairs import pair, rows, says, user

LAYOUT_LABELS = [("trl_unpaired", "label"), ("llamafactory_kto", "kto_tag")]
EACH = pytest.mark.parametrize(("name", "label"), LAYOUT_LABELS)


def pairs_of(built: Built | list[str]) -> list[TrainingPair]:
    """Pairs of one prompt; a list of two letters each says better and worse."""
    given = built if isinstance(built, list) else [(p.chosen, p.rejected) for p in built.pairs]
    return [
        pair(index, user("q"), chosen=says(better), rejected=says(worse))
        for index, (better, worse) in enumerate(given)
    ]


def unary(name: str, label: str, pairs: list[TrainingPair], **options: bool) -> dict[str, bool]:
    layout = LAYOUTS[name].model_validate(options)
    assert isinstance(layout, PairLayout)
    found = {str(row[label]) + text_of(row): bool(row[label]) for row in rows(layout, pairs)}
    return {key.removeprefix(str(value)): value for key, value in found.items()}


def text_of(row: dict[str, object]) -> str:
    said = row.get("completion", row.get("conversations"))
    assert isinstance(said, list)
    return str(said[-1].get("content", said[-1].get("value")))


@EACH
def test_a_pair_is_two_rows(name: str, label: str) -> None:
    layout = LAYOUTS[name]()
    assert [row[label] for row in rows(layout, pairs_of(["ab", "cd", "ef"]))] == [True, False] * 3


@EACH
def test_the_best_of_a_curriculum_comes_once(name: str, label: str) -> None:
    """Four responses in three stages: 6 rows, of 4 answers."""
    staged = pairs_of(policy("curry").build(rated({"a": 9, "b": 7, "c": 4, "d": 2})))
    layout = LAYOUTS[name]
    assert len(rows(layout(), staged)) == 6
    assert len(rows(layout.model_validate({"deduplicate": True}), staged)) == 4
    found = unary(name, label, staged, deduplicate=True)
    assert found == {"a": True, "b": False, "c": False, "d": False}


@EACH
@pytest.mark.parametrize(
    ("letters", "kept"),
    [
        ("ab", {"a": True, "b": False}),
        ("abc", {"a": True, "c": False}),  # b is once better and once worse: it says nothing
        ("abcd", {"a": True, "b": True, "c": False, "d": False}),  # +3, +1, -1, -3
    ],
)
def test_all_pairs_of_a_ranking_label_its_halves(
    name: str, label: str, letters: str, kept: dict[str, bool]
) -> None:
    every = pairs_of(["".join(two) for two in combinations(letters, 2)])
    assert len(rows(LAYOUTS[name](), every)) == len(letters) * (len(letters) - 1)
    assert unary(name, label, every, deduplicate=True) == kept


def test_the_same_answer_to_another_prompt_is_another_row() -> None:
    two = [pair(i, user(f"q{i}"), chosen=says("yes"), rejected=says("no")) for i in (0, 1)]
    layout = LAYOUTS["trl_unpaired"].model_validate({"deduplicate": True})
    assert len(rows(layout, two)) == 4


def test_rows_keep_their_order_and_where_they_come_from() -> None:
    layout = LAYOUTS["trl_unpaired"].model_validate({"deduplicate": True})
    assert isinstance(layout, PairLayout)
    found = list(layout.rows(pairs_of(["ab", "ac"])))
    assert [(text_of(row.values), row.origin["pair_id"]) for row in found] == [
        ("a", "pair-0"), ("b", "pair-0"), ("c", "pair-1"),
    ]  # fmt: skip


def test_thumbs_are_rows_and_their_majority_one() -> None:
    thumbs = tuple(Rating(value=v, response="r0", scale=(0, 1)) for v in (1.0, 0.0, 1.0))
    record = Record(user("q"), (Response("r0", "x"), Response("r1", "y")), ratings=thumbs)
    every = rows(LAYOUTS["trl_thumbs"](), [record])
    assert [row["label"] for row in every] == [True, False, True]
    [one] = rows(LAYOUTS["trl_thumbs"].model_validate({"deduplicate": True}), [record])
    assert (text_of(one), one["label"]) == ("x", True)
