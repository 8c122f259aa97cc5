import gzip
import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from curation.grouping import assign, near_duplicates
from curation.grouping.crowds import crowd
from curation.grouping.fingerprints import numbers, shingles
from curation.grouping.near_duplicates import CROWD, jaccard

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
DATA = Path(os.environ.get("PREFSIFT_TEST_DATA") or SHARED)
LONG = (
    "Please explain to a curious child how the tides of the sea "
    "follow the moon each single day and night"
)


def brute_force(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    """Every pair, by a double loop over sets built in another way."""
    sets = [shingles(text) for text in texts]
    found = set()
    for one, other in combinations(range(len(texts)), 2):
        union = sets[one] | sets[other]
        if union and len(sets[one] & sets[other]) / len(union) >= threshold:
            found.add((one, other))
    return found


def pairs_of(texts: list[str], threshold: float = 0.8) -> set[tuple[int, int]]:
    """What the groups join directly, equal sets through their first text."""
    joined = {
        pair for group in near_duplicates(texts, threshold) for pair in combinations(group, 2)
    }
    first: dict[object, int] = {}
    alias = {index: first.setdefault(shingles(text), index) for index, text in enumerate(texts)}
    return joined | {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if (min(alias[one], alias[other]), max(alias[one], alias[other])) in joined
    }


def test_case_space_and_punctuation_do_not_count() -> None:
    assert [*near_duplicates(["Hello,  world!", "hello world", "other words here"])] == [(0, 1)]


def test_a_changed_word_in_a_long_prompt_is_a_near_duplicate_and_a_changed_short_one_is_not() -> (
    None
):
    changed = LONG.replace("curious", "young")
    assert pairs_of([LONG, changed, "name a red fruit", "name a blue fruit"]) == {(0, 1)}


def test_texts_without_a_word_are_like_no_other() -> None:
    assert [*near_duplicates(["", "", "!!!", "..."])] == []


def test_a_script_without_spaces_is_compared_by_its_characters() -> None:
    said = "请向一个好奇的孩子解释海洋的潮汐每天如何跟随月亮的运动"
    assert [*near_duplicates([said, said + "吗", "今天天气很好"])] == [(0, 1)]


def test_the_jaccard_index_is_that_of_word_pairs() -> None:
    assert jaccard(shingles("a b c d"), shingles("a b c e")) == pytest.approx(2 / 4)
    assert jaccard(shingles(""), shingles("")) == 0


def test_texts_of_one_template_are_not_alike_for_it() -> None:
    texts = [f"{LONG} number {i}" for i in range(CROWD + 50)]
    assert [*near_duplicates(texts, 0.999)] == []
    capitals = [f"What is the capital of place{i}?" for i in range(3000)]
    assert [*near_duplicates([*capitals, capitals[7].upper()])] == [(7, 3000)]


def test_of_a_crowd_that_is_alike_every_two_are_together() -> None:
    groups = [*near_duplicates([f"{LONG} number {i}" for i in range(CROWD + 50)])]
    labels = assign([f"{i:03d}" for i in range(CROWD + 50)], groups, 0.4, 0, {})
    assert (labels.components, labels.largest) == (1, CROWD + 50)


def test_what_is_found_in_a_crowd_is_what_a_double_loop_finds() -> None:
    rng = np.random.default_rng(4)
    words = np.array([f"w{i}" for i in range(60)])
    start = " ".join(f"s{i}" for i in range(25))
    texts = [f"{start} {' '.join(rng.choice(words, rng.integers(2, 7)))}" for _ in range(180)]
    sets = [numbers(text) for text in texts]
    for threshold in (0.7, 0.8, 0.9):
        found = {
            pair
            for group in crowd(sets, threshold, together=False)
            for pair in combinations(group, 2)
        }
        assert found == brute_force(texts, threshold)
        assert len(found) > 5


def test_what_is_found_is_what_a_double_loop_finds_on_random_edits() -> None:
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(300)]
    texts = [" ".join(rng.choice(words, 30)) for _ in range(60)]
    for text in texts[:40]:
        said = text.split()
        for place in rng.integers(0, 30, rng.integers(1, 4)):
            said[place] = str(rng.choice(words))
        texts.append(" ".join(said))
    expected = brute_force(texts, 0.8)
    assert expected
    assert pairs_of(texts) == expected


@pytest.mark.realdata
def test_what_is_found_is_what_a_double_loop_finds_on_real_prompts() -> None:
    with gzip.open(DATA / "hh_harmless" / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
        dialogues = [json.loads(line)["chosen"] for line in lines]
    texts = [said.partition("\n\nAssistant:")[0] for said in dialogues[:600]]
    expected = brute_force(texts, 0.8)
    assert len(expected) > 5
    assert pairs_of(texts) == expected
