"""Gives each prompt a split once and for all, so that what belongs together is never parted."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

TRAIN, TEST, LEFT_OUT = "train", "test", "left_out"
SMALLEST_SPLIT = 20  # prompts; below that nothing is held out
LARGEST_TEST = 0.5  # share of the prompts that a component may have and still be tested on

Groups = Iterable[Sequence[int]]


class Assignment(NamedTuple):
    """`splits` by prompt; `components` counts them, `largest` the prompts of the largest one.

    `exceptions`: those whose split is not what the rule gives to a data set that is new.
    `parts`: a number for each prompt, in their order; two that are connected by what was not left
    out have the same, and the same split.
    """

    splits: dict[str, str]
    components: int
    largest: int
    exceptions: dict[str, str]
    parts: "np.ndarray[tuple[int], np.dtype[np.int64]]"


def assign(
    prompts: Sequence[str],
    groups: Groups,
    fraction: float,
    seed: int,
    earlier: Mapping[str, str],
    labelled: Groups = (),
    given: Mapping[str, str] | None = None,
) -> Assignment:
    """Splits of distinct prompt ids. `groups` hold indices of prompts that belong together.

    A component is what groups connect. Where none of its prompts has a split yet, the hash of the
    seed and its smallest id decides: test with probability `fraction`. A prompt that has one keeps
    it; newcomers join it. Where newcomers connect a prompt in train with one in test, neither is
    moved: newcomers that belong to both sides are left out, and stay so.
    A component of more than half of the prompts is trained on; under 20 prompts, so are all. From
    20 on one component is tested on at least, when nothing has a split yet.

    `labelled` are groups that new labels may make of prompts that have their splits: then the
    smaller side of the group, train where they are equal, is left out as long as it is so.
    So no group ever holds prompts of train and of test.

    `given`: the exceptions of an assignment that is made once more; `earlier` says nothing then.
    """
    others = [tuple(group) for group in labelled]
    found = [*(tuple(group) for group in groups), *others]
    labels = connect(len(prompts), found)
    fresh = rule(prompts, labels, fraction, seed)
    splits = {prompt: earlier[prompt] for prompt in prompts if prompt in earlier}
    if given is not None:
        known = {prompt: given[prompt] for prompt in prompts if prompt in given}
        splits = dict(zip(prompts, fresh, strict=True)) | known
    elif splits:
        newcomers(prompts, found, fresh, splits)
        leave_out(prompts, others, splits)
    else:
        splits = dict(zip(prompts, fresh, strict=True))
    sizes = np.bincount(labels) if len(prompts) else np.zeros(1, np.int64)
    exceptions = {
        prompt: splits[prompt]
        for prompt, split in zip(prompts, fresh, strict=True)
        if splits[prompt] != split
    }
    there = [[i for i in group if splits[prompts[i]] != LEFT_OUT] for group in found]
    parts = connect(len(prompts), there)
    return Assignment(splits, int((sizes > 0).sum()), int(sizes.max()), exceptions, parts)


def leave_out(prompts: Sequence[str], groups: Groups, splits: dict[str, str]) -> None:
    """Leave out the smaller side of each group that holds prompts of both splits."""
    for group in groups:
        train, test = ([i for i in group if splits[prompts[i]] == side] for side in (TRAIN, TEST))
        if train and test:
            smaller = test if len(test) < len(train) else train
            splits.update((prompts[index], LEFT_OUT) for index in smaller)


def connect(
    size: int, groups: Sequence[Sequence[int]]
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """A component's number for each index, then for each group."""
    from scipy.sparse import coo_array  # half a second to load: only where it is used
    from scipy.sparse.csgraph import connected_components

    members = [index for group in groups for index in group]
    owners = [size + number for number, group in enumerate(groups) for _ in group]
    total = size + len(groups)
    graph = coo_array((np.ones(len(members), np.int8), (members, owners)), shape=(total, total))
    labels = connected_components(graph, directed=False)[1] if total else np.zeros(0)
    return np.asarray(labels[:size], np.int64)


def chance(seed: int, key: str) -> float:
    """Uniform in [0, 1), the same everywhere."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def rule(prompts: Sequence[str], labels: Iterable[int], fraction: float, seed: int) -> list[str]:
    """The splits of a data set in which no prompt has one yet."""
    numbers = [int(label) for label in labels]
    members: dict[int, list[str]] = {}
    for prompt, label in zip(prompts, numbers, strict=True):
        members.setdefault(label, []).append(prompt)
    if len(prompts) < SMALLEST_SPLIT or fraction <= 0:
        return [TRAIN] * len(prompts)
    drawn = {
        label: chance(seed, min(found))
        for label, found in members.items()
        if len(found) <= LARGEST_TEST * len(prompts)
    }
    tested = {label for label, place in drawn.items() if place < fraction}
    if drawn and not tested:
        tested = {min(drawn, key=lambda label: (drawn[label], min(members[label])))}
    return [TEST if label in tested else TRAIN for label in numbers]


def newcomers(
    prompts: Sequence[str],
    groups: Sequence[Sequence[int]],
    fresh: Sequence[str],
    splits: dict[str, str],
) -> None:
    """Add the splits of prompts that have none, given those that have one.

    In rounds: whoever shares a group with one side joins it, whoever shares groups with both is
    left out, and so are those of a round that join two sides and share a group.
    """
    waiting = {index for index, prompt in enumerate(prompts) if prompt not in splits}
    mine: dict[int, list[int]] = {index: [] for index in waiting}
    beside: dict[int, set[str]] = {}
    for number, group in enumerate(groups):
        new = [index for index in group if index in waiting]
        for index in new:
            mine[index].append(number)
        if new:
            known = {splits[prompts[index]] for index in group if index not in waiting}
            beside[number] = known - {LEFT_OUT}
    touched = set(beside)
    while front := {i for n in touched if beside[n] for i in groups[n] if i in waiting}:
        joined = {i: only(set[str]().union(*(beside[n] for n in mine[i]))) for i in front}
        touched = {number for index in front for number in mine[index]}
        sides = {n: {joined[i] for i in groups[n] if i in front} - {LEFT_OUT} for n in touched}
        for number, found in sides.items():
            if len(found) == 2:
                joined.update((index, LEFT_OUT) for index in groups[number] if index in front)
        splits.update((prompts[index], split) for index, split in joined.items())
        for number in touched:
            beside[number] |= {joined[i] for i in groups[number] if i in front} - {LEFT_OUT}
        waiting -= front
    splits.update((prompts[index], fresh[index]) for index in waiting)


def only(sides: set[str]) -> str:
    return LEFT_OUT if len(sides) == 2 else min(sides)
