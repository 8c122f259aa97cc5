"""Groups at the right unit, with the votes of all their members."""

from dataclasses import replace

import numpy as np
import pytest

from curation.grouping.duplicates import Rule, Unit, duplicates
from curation.items import Floats, Pairs, View
from curation.signals import Fit, parse_signal

LONG = "please explain to me in simple words how a steam engine turns heat into motion"


def pairs_of(
    rows: list[tuple[str, str, str]], votes: list[tuple[float, float, float]] | None = None
) -> Pairs:
    """`votes`: number, share for the chosen, and that with half of the ties."""
    ids = [f"p{number}" for number in range(len(rows))]
    prompts = {prompt: f"q{number}" for number, (prompt, _, _) in reversed([*enumerate(rows)])}
    facts: dict[str, Floats] = {}
    if votes is not None:
        table = np.array(votes).T
        facts = {"votes": table[0], "agreement": table[1], "soft_label": table[2]}
    asked, chosen, rejected = ([row[at] for row in rows] for at in range(3))
    names = [prompts[prompt] for prompt in asked]
    return Pairs(ids, names, asked, chosen, rejected, {}, {}, facts)


def answer(topic: str) -> str:
    return f"a long answer that says at length what there is to be said about {topic} and its uses"


PAIRS = [
    (LONG, answer("steam"), answer("bread")),
    (LONG.upper() + "!", answer("bread"), answer("steam")),  # the same, labelled the other way
    (LONG, answer("steam"), answer("stones")),
    ("what is the capital of France", answer("Paris"), answer("London")),
    ("what is the capital of France", answer("Paris"), answer("Paris").upper()),
]


def test_a_flipped_near_duplicate_is_the_same_pair_and_its_votes_count_against_it() -> None:
    votes = [(3.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.0, 1.0, 1.0)]
    found = duplicates(pairs_of(PAIRS, votes), Unit.pair, Rule("minhash", 0.9))
    assert found.groups.tolist() == [0, 0, 2, 3, 4]
    assert found.sizes.tolist() == [2, 2, 1, 1, 1]
    assert found.first.tolist() == [True, False, True, True, True]
    assert found.votes[:4].tolist() == [5, 5, 1, 1]
    np.testing.assert_allclose(found.shares[:2], [3 / 5, 2 / 5])
    assert np.isnan(found.votes[4])  # verified, and no vote
    assert found.same.tolist() == [False, False, False, False, True]


def test_ties_are_half_a_vote_for_each_and_no_vote_is_lost() -> None:
    votes = [(4.0, 0.5, 0.625), (4.0, 0.75, 0.75)]  # 2 for, 1 tie, 1 against; 3 for, 1 against
    found = duplicates(pairs_of(PAIRS[:2], votes), Unit.pair, Rule("minhash", 0.9))
    np.testing.assert_allclose(found.votes, [8, 8])
    np.testing.assert_allclose(found.shares, [3 / 8, 4 / 8])
    np.testing.assert_allclose(found.soft, [3.5 / 8, 4.5 / 8])
    np.testing.assert_allclose(found.soft.sum(), 1)
    assert found.first.tolist() == [False, True]  # the one that most votes are for


def test_each_unit_has_its_own_groups() -> None:
    pairs = pairs_of(PAIRS)
    prompts = duplicates(pairs, Unit.prompt, Rule("minhash", 0.9))
    assert prompts.groups.tolist() == [0, 0, 0, 3, 3]
    assert prompts.sizes.tolist() == [2, 2, 2, 1, 1]  # two prompts; three pairs
    assert prompts.first.tolist() == [True, False, True, True, True]
    responses = duplicates(pairs, Unit.response, Rule("minhash", 0.9))
    assert responses.groups.tolist() == [0, 1, 0, 3, 3]
    assert duplicates(pairs, Unit.prompt, Rule("exact")).groups.tolist() == [0, 1, 0, 3, 3]


def test_what_stays_apart_is_in_no_group() -> None:
    pairs = pairs_of(PAIRS)
    found = duplicates(pairs, Unit.pair, Rule("minhash", 0.9), apart={"p1"})
    assert found.sizes.tolist() == [1] * 5
    assert found.first.all()
    whole = duplicates(pairs, Unit.prompt, Rule("minhash", 0.9), apart={pairs.prompt_ids[0]})
    assert whole.groups.tolist() == [0, 1, 0, 3, 3]


def test_planted_duplicates_are_counted() -> None:
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(500)]

    def said(count: int) -> str:
        return " ".join(words[int(each)] for each in rng.integers(0, 500, count))

    rows = [(said(12), said(40), said(40)) for _ in range(200)]
    rows += [(p.upper(), c + "!", r) for p, c, r in rows[:30]]  # as they were
    rows += [(p, r, c) for p, c, r in rows[30:50]]  # flipped
    rows += [(p, c, said(40)) for p, c, _ in rows[50:60]]  # another pair of the same prompt
    found = duplicates(pairs_of(rows), Unit.pair, Rule("minhash", 0.9))
    assert int((found.sizes > 1).sum()) == 100
    assert int((~found.first).sum()) == 50
    assert int((duplicates(pairs_of(rows), Unit.prompt, Rule()).sizes > 1).sum()) == 60


def test_vectors_decide_where_the_method_is_embedding() -> None:
    pairs = pairs_of(PAIRS)
    rng = np.random.default_rng(0)
    table = rng.normal(size=(5, 8))
    table[1] = table[0] + 0.01
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    vectors = {View.prompt: table, View.chosen: table, View.rejected: table[::-1].copy()}
    with_vectors = Pairs(
        pairs.ids, pairs.prompt_ids, pairs.prompts, pairs.chosen, pairs.rejected, vectors
    )
    found = duplicates(with_vectors, Unit.prompt, Rule("embedding", 0.99))
    assert found.groups.tolist() == [0, 0, 0, 3, 3]
    with pytest.raises(ValueError, match="no vectors of prompt"):
        duplicates(pairs, Unit.prompt, Rule("embedding", 0.99))


def test_the_signal_says_the_same_whatever_the_order_and_the_batches() -> None:
    pairs = pairs_of(PAIRS, [(1.0, 1.0, 1.0)] * 5)
    signal = parse_signal({"kind": "near_duplicates", "unit": "pair"})
    fit = signal.fit(pairs)
    back = np.arange(5)[::-1].copy()
    again = signal.fit(pairs.take(back))
    for name, column in signal.score(pairs, fit).columns.items():
        turned = signal.score(pairs.take(back), again).columns[name]
        assert column.values[::-1].tolist() == turned.values.tolist(), name
        alone = signal.score(pairs.take(np.array([3])), fit).columns[name]
        assert alone.values.tolist() == column.values[3:4].tolist()
    assert fit.metrics["repeated_pairs"] == 2


def test_a_pair_that_the_fit_has_not_seen_joins_what_it_repeats_exactly() -> None:
    signal = parse_signal({"kind": "near_duplicates"})
    fit: Fit = signal.fit(pairs_of(PAIRS, [(3.0, 1.0, 1.0)] * 5))
    rows = [(PAIRS[0][0], PAIRS[0][2], PAIRS[0][1]), ("something new", "yes", "yes")]
    votes = [(2.0, 1.0, 1.0), (1.0, 1.0, 1.0)]
    columns = signal.score(replace(pairs_of(rows, votes), ids=["x", "y"]), fit).columns
    old = signal.score(pairs_of(PAIRS), fit).columns
    assert columns["group"].values[0] == old["group"].values[0]
    assert columns["first"].values.tolist() == [0, 1]
    assert columns["group"].values[1] >= 2**40
    assert columns["votes"].values.tolist() == [8, 1]
    np.testing.assert_allclose(columns["agreement"].values, [5 / 8, 1])  # with the flipped one
    assert columns["turned"].values[0] == old["turned"].values[1]
    assert columns["same_responses"].values.tolist() == [0, 1]
