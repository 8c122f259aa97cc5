import gzip
import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from curation.grouping import near_duplicates
from curation.grouping.near_duplicates import CROWD, jaccard, shingles

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


def test_a_crowd_is_taken_together() -> None:
    texts = [f"{LONG} number {i}" for i in range(CROWD + 50)]
    groups = [*near_duplicates(texts, 0.999)]
    assert max(map(len, groups)) > CROWD


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
