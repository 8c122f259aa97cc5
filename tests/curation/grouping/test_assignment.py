from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.grouping import LEFT_OUT, TEST, TRAIN, assign, by_key, root_key

Groups = list[tuple[int, int]]


def names(count: int) -> list[str]:
    return [f"p{i:04d}" for i in range(count)]


def parted(prompts: list[str], groups: Groups, splits: dict[str, str]) -> list[tuple[int, int]]:
    both = {TRAIN, TEST}
    return [group for group in groups if {splits[prompts[index]] for index in group} == both]


def random_groups(rng: np.random.Generator, prompts: int, count: int) -> Groups:
    found = rng.integers(0, prompts, (count, 2)).tolist()
    return [(one, other) for one, other in found]


def test_without_groups_the_test_split_has_about_its_share() -> None:
    found = assign(names(20_000), [], 0.05, 0, {})
    share = sum(split == TEST for split in found.splits.values()) / 20_000
    assert abs(share - 0.05) < 4 * (0.05 * 0.95 / 20_000) ** 0.5
    assert (found.components, found.largest, found.exceptions) == (20_000, 1, {})


def test_few_prompts_and_a_fraction_of_zero_are_all_trained_on() -> None:
    assert set(assign(names(19), [], 0.5, 0, {}).splits.values()) == {TRAIN}
    assert set(assign(names(200), [], 0, 0, {}).splits.values()) == {TRAIN}
    assert assign([], [], 0.5, 0, {}).splits == {}


def test_from_twenty_prompts_on_something_is_tested_on() -> None:
    for seed in range(50):
        assert TEST in assign(names(20), [], 0.001, seed, {}).splits.values()


def test_a_component_of_more_than_half_is_trained_on() -> None:
    prompts = names(40)
    groups = [(0, i) for i in range(1, 30)]
    for seed in range(20):
        splits = assign(prompts, groups, 0.5, seed, {}).splits
        assert {splits[name] for name in prompts[:30]} == {TRAIN}


def test_the_order_of_the_prompts_changes_nothing() -> None:
    prompts, groups = names(50), [(0, 1), (1, 2), (10, 40)]
    there = assign(prompts, groups, 0.3, 1, {})
    mirrored = [tuple(49 - index for index in group) for group in groups]
    assert assign(prompts[::-1], mirrored, 0.3, 1, {}).splits == there.splits


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(0, 60), st.integers(0, 60), st.integers(0, 120))
def test_when_rows_are_added_nothing_moves_and_no_group_is_parted(
    seed: int, before: int, added: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    prompts = list(rng.permutation(names(before + added)))
    groups = random_groups(rng, before + added, count) if prompts else []
    old = [group for group in groups if max(group) < before]
    first = assign(prompts[:before], old, 0.4, seed, {})
    assert parted(prompts, old, first.splits) == []
    second = assign(prompts, groups, 0.4, seed, first.splits)
    assert all(second.splits[name] == split for name, split in first.splits.items())
    assert set(second.splits) == set(prompts)
    # Only a group among earlier prompts alone can be parted: it did not exist when they came.
    new = [group for group in groups if max(group) >= before]
    assert parted(prompts, new, second.splits) == []


def test_a_newcomer_between_two_splits_is_left_out_and_stays_so() -> None:
    prompts = names(40)
    first = assign(prompts, [], 0.4, 0, {}).splits
    train = next(i for i, name in enumerate(prompts) if first[name] == TRAIN)
    test = next(i for i, name in enumerate(prompts) if first[name] == TEST)
    bridge = [*prompts, "bridge", "beside"]
    groups = [(train, 40), (40, test), (41, test)]
    second = assign(bridge, groups, 0.4, 0, first)
    assert second.splits["bridge"] == LEFT_OUT
    assert second.splits["beside"] == TEST
    assert {name: second.splits[name] for name in prompts} == first
    assert assign(bridge, groups, 0.4, 0, second.splits).splits == second.splits
    assert second.exceptions.keys() >= {"bridge"}


def test_exceptions_are_what_a_new_data_set_would_do_otherwise() -> None:
    prompts = names(60)
    first = assign(prompts[:30], [], 0.4, 0, {}).splits
    groups = [(i, i + 30) for i in range(30)]
    second = assign(prompts, groups, 0.4, 0, first)
    fresh = assign(prompts, groups, 0.4, 0, {})
    assert {**fresh.splits, **second.exceptions} == second.splits
    assert fresh.exceptions == {}


def test_prompts_of_one_conversation_have_one_root() -> None:
    asked = {"role": "user", "content": "Why is the sky blue?"}
    answer = {"role": "assistant", "content": "Because of Rayleigh."}
    system = {"role": "system", "content": "Be short."}
    other = [{"role": "user", "content": "Why is grass green?"}]
    prompts = [[asked], [system, asked], [asked, answer, asked], other]
    assert [*by_key(map(root_key, prompts))] == [(0, 1, 2)]
    assert len({root_key(each) for each in prompts[:3]}) == 1
    assert all(root_key(a) != root_key(b) for a, b in combinations([[asked], other], 2))


def test_a_new_label_that_joins_two_splits_leaves_the_smaller_side_out_and_moves_nothing() -> None:
    prompts = names(40)
    first = assign(prompts, [], 0.4, 0, {}).splits
    train = [i for i, name in enumerate(prompts) if first[name] == TRAIN]
    test = [i for i, name in enumerate(prompts) if first[name] == TEST]
    many_trained, equal = [*train[:5], test[0]], [train[9], test[1]]
    second = assign(prompts, [], 0.4, 0, first, labelled=[many_trained, equal])
    gone = {name for name, split in second.splits.items() if split == LEFT_OUT}
    assert gone == {prompts[test[0]], prompts[train[9]]}
    assert all(second.splits[name] == first[name] for name in prompts if name not in gone)
    assert assign(prompts, [], 0.4, 0, first).splits == first  # the label is gone: all is as it was


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(20, 60), st.integers(0, 40))
def test_no_component_of_what_is_not_left_out_holds_both_splits(
    seed: int, count: int, groups: int
) -> None:
    rng = np.random.default_rng(seed)
    prompts, half = names(count), names(count)[: count // 2]
    labelled = random_groups(rng, count, groups)
    first = assign(half, [], 0.4, seed, {}).splits
    found = assign(prompts, [], 0.4, seed, first, labelled)
    assert parted(prompts, labelled, found.splits) == []
    sides: dict[int, set[str]] = {}
    for prompt, part in zip(prompts, found.parts.tolist(), strict=True):
        sides.setdefault(part, set()).add(found.splits[prompt])
    assert not [part for part, seen in sides.items() if {TRAIN, TEST} <= seen]


def test_an_assignment_is_made_once_more_from_its_exceptions() -> None:
    prompts, groups = names(60), [(i, i + 30) for i in range(30)]
    first = assign(prompts[:30], [], 0.4, 0, {}).splits
    second = assign(prompts, groups, 0.4, 0, first)
    again = assign(prompts, groups, 0.4, 0, {"p0001": TEST}, given=second.exceptions)
    assert again.splits == second.splits
    assert again.exceptions == second.exceptions
    assert (again.parts == second.parts).all()
