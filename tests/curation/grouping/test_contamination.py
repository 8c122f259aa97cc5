"""N-grams of a benchmark in texts, against a search word by word."""

import numpy as np
import pytest

from curation.grouping.contamination import Benchmark, span
from curation.grouping.fingerprints import WORD


def words_of(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def shared(text: str, item: str, size: int) -> set[tuple[str, ...]]:
    one, other = (
        {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}
        for words in (words_of(text), words_of(item))
    )
    return one & other


def test_finds_the_shared_n_grams_of_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    items = [" ".join(f"w{each}" for each in rng.integers(0, 4000, 40)) for _ in range(30)]
    texts = [" ".join(f"w{each}" for each in rng.integers(0, 4000, 60)) for _ in range(60)]
    for text in range(0, 60, 3):  # a piece of an item, 10 to 24 words long, in every third
        item, size = text % 30, 10 + text % 15
        start = int(rng.integers(0, 40 - size))
        piece = " ".join(items[item].split()[start : start + size])
        texts[text] = f"{texts[text][:50]} {piece.upper()}; {texts[text][50:]}"
    found = {(hit.text, hit.item): hit for hit in Benchmark(items).hits(texts)}
    for text, said in enumerate(texts):
        for item, asked in enumerate(items):
            expected = shared(said, asked, 13)
            assert ((text, item) in found) == bool(expected)
            if expected:
                hit = found[text, item]
                assert hit.ngrams == len(expected)
                assert hit.share == pytest.approx(len(expected) / 28)
                left, right = span(said, hit.start, hit.end)
                run = words_of(said[left:right])
                assert len(run) == hit.end - hit.start >= 13
                assert " ".join(run) in " ".join(words_of(asked))
    assert len(found) > 10


def test_short_items_count_as_a_whole_and_the_shortest_not_at_all() -> None:
    items = ["Name the capital of France!", "Say yes.", "one two three four five six seven eight"]
    benchmark = Benchmark(items)
    assert benchmark.short == 1
    texts = ["please NAME the capital of France", "name the capital of Spain", "say yes",
             "one two three four five six seven nine"]  # fmt: skip
    assert [(hit.text, hit.item, hit.share) for hit in benchmark.hits(texts)] == [(0, 0, 1.0)]
    assert Benchmark(items, words=7).hits(texts)[1].share == pytest.approx(1 / 2)
    with pytest.raises(ValueError, match="at least 5"):
        Benchmark(items, words=4)


def test_equal_items_are_all_named_and_nothing_is_found_in_nothing() -> None:
    said = "the quick brown fox jumps over the lazy dog and then it runs far away"
    assert [hit.item for hit in Benchmark([said, "x", said]).hits([said])] == [0, 2]
    assert Benchmark([said]).hits([]) == []
    assert Benchmark([""]).hits([said]) == []


def test_of_a_text_the_items_that_it_repeats_most_are_hits_and_all_are_counted() -> None:
    template = " ".join(f"t{n}" for n in range(14))
    items = [
        f"{template} " + " ".join(f"i{item}w{n}" for n in range(item % 9)) for item in range(300)
    ]
    benchmark, text = Benchmark(items), f"so {items[4]} it is"
    every, few = benchmark.hits([text, "", text]), benchmark.hits([text, "", text], most=3)
    assert [sum(hit.text == text for hit in every) for text in range(3)] == [300, 0, 300]
    assert {hit.of for hit in every} == {hit.of for hit in few} == {300}
    for said in (0, 2):
        own = [hit for hit in every if hit.text == said]
        assert [hit for hit in few if hit.text == said] == own[:3]
    assert (few[0].item, few[0].share) == (0, 1)
