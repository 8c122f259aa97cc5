from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from curation.pairing import Built, BuiltPair
from curation.pairing.summary import BINS, MAX_DISTINCT, Summary


def summary(margins: list[float]) -> Summary:
    found = Summary()
    for margin in margins:
        found.add_prompt(Built([BuiltPair("a", "b", margin=margin)], Counter(tie=1, other=0)))
    return found


def test_a_summary_counts_prompts_pairs_ties_and_reasons() -> None:
    found = summary([1.0, 1.0, 2.0])
    found.add_prompt(Built([], Counter(both_bad=1, equal_texts=2)))
    report = found.report()
    assert (report["prompts"], report["prompts_paired"], report["pairs"]) == (4, 3, 3)
    assert (report["ties"], report["skipped"]) == (4, {"equal_texts": 2})
    assert report["margins"] == [
        {"low": 1.0, "high": 1.0, "pairs": 2}, {"low": 2.0, "high": 2.0, "pairs": 1},
    ]  # fmt: skip


def test_an_empty_summary_reports_nothing() -> None:
    report = Summary().report()
    assert (report["pairs"], report["margins"], report["lengths"]) == (
        0, [], {"chosen": [], "rejected": []},
    )  # fmt: skip


def test_lengths_fall_into_doublings() -> None:
    found = Summary()
    for length in (0, 1, 3, 5):
        found.add_lengths(length, 4)
    bins = [(bin["low"], bin["high"], bin["pairs"]) for bin in found.report()["lengths"]["chosen"]]
    assert bins == [(0, 1, 1), (1, 2, 1), (2, 4, 1), (4, 8, 1)]


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=60))
def test_every_margin_is_in_one_bin(margins: list[float]) -> None:
    bins = summary(margins).report()["margins"]
    assert sum(bin["pairs"] for bin in bins) == len(margins)
    assert len(bins) <= BINS
    assert bins[0]["low"] <= min(margins) + 1e-6


def test_memory_stays_bounded_whatever_the_margins() -> None:
    found = summary([i / 7 for i in range(3 * MAX_DISTINCT)])
    assert len(found.margins) <= MAX_DISTINCT
    assert sum(bin["pairs"] for bin in found.report()["margins"]) == 3 * MAX_DISTINCT
