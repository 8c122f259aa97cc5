"""What holds for every policy and all labels."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.pairing import KINDS, POLICIES, PairPolicy
from curation.pairing.labels import Judged
from tests.curation.pairing.judging import judged, mirrored, policy, shuffled, turned

ORDERS = ("ratings", "rankings", "ranked_pairs", "scores")
ORDERED = ("best_vs_worst", "best_vs_random", "all_pairs", "adjacent", "top_vs_rest", "curry")
CHATS = [name for name, kind in KINDS.items() if hasattr(kind, "reads_conversations")]
JUDGING = sorted(set(KINDS) - {*CHATS})  # what reads conversations builds nothing from judgments
FREE = [kind for kind in JUDGING if kind not in (*ORDERED, "two_stage", "rso")]  # read no order
gap = st.sampled_from([0.0, 0.5, 1.0, 2.0])


@st.composite
def policies(draw: st.DrawFn, **fixed: Any) -> PairPolicy:
    """Any kind with any of the fields that all have."""
    kind = draw(st.sampled_from(JUDGING))
    fields: dict[str, Any] = {
        "min_gap": draw(gap), "cap_per_prompt": draw(st.none() | st.integers(1, 4)),
        "cross_model_only": draw(st.booleans()), "seed": draw(st.integers(0, 3)),
    }  # fmt: skip
    if kind not in FREE:
        fields["by"] = {"label": draw(st.sampled_from(ORDERS))}
    if KINDS[kind].soft_ties and fields["min_gap"] == 0:
        fields["ties"] = draw(st.sampled_from(["drop", "soft"]))
    return policy(kind, **fields | fixed)


def test_every_shipped_policy_is_of_a_known_kind_and_every_kind_is_shipped() -> None:
    assert {policy.kind_of() for policy in POLICIES.values()} == set(KINDS)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_named_by_what_it_does_and_not_by_what_it_is_called(name: str) -> None:
    own = POLICIES[name]
    assert own.model_copy(update={"id": "x", "title": "y"}).sha256() == own.sha256()
    assert own.model_copy(update={"min_gap": 3.0}).sha256() != own.sha256()
    assert type(own).model_validate_json(own.model_dump_json()) == own


@given(judged(), policies())
@settings(max_examples=400, deadline=None)
def test_a_pair_obeys_the_rules_of_its_policy(labels: Judged, rules: PairPolicy) -> None:
    built = rules.build(labels)
    for pair in built.pairs:
        better, worse = (labels.candidates[id] for id in (pair.chosen, pair.rejected))
        assert better.content != worse.content
        assert not rules.min_gap or (pair.margin or 0) >= rules.min_gap - 1e-6
        assert not rules.cross_model_only or None not in (better.model, worse.model)
        assert not rules.cross_model_only or better.model != worse.model
        assert 0 <= pair.agreement <= 1
        assert pair.soft_label is None or 0 <= pair.soft_label <= 1
    assert rules.cap_per_prompt is None or len(built.pairs) <= rules.cap_per_prompt


@given(judged(), policies(), st.data())
@settings(max_examples=400, deadline=None)
def test_the_order_of_the_labels_and_the_sides_changes_nothing(
    labels: Judged, rules: PairPolicy, data: st.DataObject
) -> None:
    expected = sorted(rules.build(labels).pairs, key=str)
    for other in (shuffled(labels, data.draw), turned(labels)):
        assert sorted(rules.build(other).pairs, key=str) == expected


@given(judged(), st.sampled_from([*FREE, "all_pairs", "adjacent"]), st.sampled_from(ORDERS), gap)
@settings(max_examples=200, deadline=None)
def test_the_opposite_labels_give_the_opposite_pairs(
    labels: Judged, kind: str, order: str, min_gap: float
) -> None:
    if order == "ranked_pairs":  # its ranks, and so its gaps and neighbours, count from the top
        kind, min_gap = "all_pairs", 0.0
    by = {} if kind in FREE else {"by": {"label": order}}
    each = {"each": "all"} if kind == "correct_vs_incorrect" else {}
    rules = policy(kind, min_gap=min_gap, **by, **each)
    own = [(pair.chosen, pair.rejected) for pair in rules.build(labels).pairs]
    other = [(pair.rejected, pair.chosen) for pair in rules.build(mirrored(labels)).pairs]
    assert sorted(own) == sorted(other)


@given(judged(), policies(cap_per_prompt=None))
@settings(max_examples=200, deadline=None)
def test_a_cap_keeps_a_part_with_the_widest_margins(labels: Judged, rules: PairPolicy) -> None:
    every = rules.build(labels).pairs
    some = rules.model_copy(update={"cap_per_prompt": 2}).build(labels).pairs
    assert len(some) == min(2, len(every))
    assert all(pair in every for pair in some)
    left = [pair.margin or 0 for pair in every if pair not in some]
    assert not some or not left or min(pair.margin or 0 for pair in some) >= max(left) - 1e-6


@given(judged(), st.sampled_from(ORDERS))
@settings(max_examples=200, deadline=None)
def test_the_other_constructors_choose_among_all_pairs(labels: Judged, order: str) -> None:
    by = {"label": order}
    every = {(p.chosen, p.rejected) for p in policy("all_pairs", by=by).build(labels).pairs}
    for kind in ORDERED:
        found = policy(kind, by=by).build(labels).pairs
        assert {(pair.chosen, pair.rejected) for pair in found} <= every
        if order == "ratings" and every and all_different(labels):
            assert found


def all_different(labels: Judged) -> bool:
    """Else the first of the best may say the same as all that are worse."""
    contents = [each.content for each in labels.candidates.values()]
    return len(set(contents)) == len(contents)


@given(judged())
@settings(max_examples=200, deadline=None)
def test_curry_keeps_one_chosen_and_never_widens_the_gap(labels: Judged) -> None:
    found = policy("curry").build(labels).pairs
    assert len({pair.chosen for pair in found}) <= 1
    assert [pair.stage for pair in found] == list(range(1, len(found) + 1))
    margins = [pair.margin or 0 for pair in found]
    assert margins == sorted(margins, reverse=True)
