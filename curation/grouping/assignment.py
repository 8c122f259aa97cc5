"""Gives each prompt a split once and for all, so that what belongs together is never parted."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
    moved: those newcomers that belong to both sides are left out, and stay so.
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
        newcomers(prompts, found, labels, fresh, splits)
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
    labels: Iterable[int],
    fresh: Sequence[str],
    splits: dict[str, str],
) -> None:
    """Add the splits of prompts that have none, given those that have one."""
    known: dict[int, set[str]] = {}
    for prompt, label in zip(prompts, labels, strict=True):
        if prompt in splits:
            known.setdefault(int(label), set()).add(splits[prompt])
    new = {index: int(label) for index, label in enumerate(labels) if prompts[index] not in splits}
    touched = sides(prompts, groups, splits)
    for index, label in new.items():
        beside = known.get(label, set()) - {LEFT_OUT}
        if len(beside) == 2:
            beside = touched[index]
        split = fresh[index] if not beside else LEFT_OUT if len(beside) == 2 else min(beside)
        splits[prompts[index]] = split


def sides(
    prompts: Sequence[str], groups: Sequence[Sequence[int]], splits: Mapping[str, str]
) -> list[set[str]]:
    """For each newcomer the splits that it, or newcomers connected with it, share a group with."""
    fresh = [[index for index in group if prompts[index] not in splits] for group in groups]
    labels = connect(len(prompts), fresh)
    found: dict[int, set[str]] = {}
    for group, new in zip(groups, fresh, strict=True):
        if new:
            beside = {splits[prompts[index]] for index in group if prompts[index] in splits}
            found.setdefault(int(labels[new[0]]), set()).update(beside - {LEFT_OUT})
    return [found.get(int(label), set()) for label in labels]
