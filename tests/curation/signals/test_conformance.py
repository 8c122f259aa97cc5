"""What every signal promises, checked for each one found."""

from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError

from curation.items import Pairs, Prompts, Texts
from curation.signals import SIGNALS, Fit, Signal, parse_signal
from tests.curation.signals.samples import (
    FEWER,
    fitted,
    items_of,
    table,
    taken,
    with_vectors,
    written_pairs,
)

Items = Texts | Prompts | Pairs


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return written_pairs()


@pytest.fixture(scope="module", params=SIGNALS)
def signal(request: pytest.FixtureRequest) -> Signal:
    return parse_signal({"kind": request.param, **FEWER.get(request.param, {})})


@pytest.fixture(scope="module")
def items(signal: Signal, pairs: Pairs) -> Items:
    return items_of(signal.level, pairs)


@pytest.fixture(scope="module")
def fit(signal: Signal, items: Items) -> Fit | None:
    return fitted(signal, items)


def test_the_expected_signals_are_found() -> None:
    assert set(SIGNALS) >= {
        "embedding",
        "knn_novelty",
        "prompt_quality",
        "reward_margin",
        "style",
    }


def test_every_cell_is_finite_or_has_a_status(
    signal: Signal, items: Items, fit: Fit | None
) -> None:
    scores = signal.score(items, fit)
    assert list(scores.columns) == [output.name for output in signal.outputs]
    for output, column in zip(signal.outputs, scores.columns.values(), strict=True):
        assert column.values.shape == column.status.shape == (len(items),)
        good = column.status == "ok"
        assert good.any()
        assert np.isfinite(column.values[good]).all()
        assert np.isnan(column.values[~good]).all()
        assert (column.values[good] >= output.low - 1e-9).all()
        assert (column.values[good] <= output.high + 1e-9).all()
        assert output.unit
        assert output.direction


def test_batching_does_not_matter(signal: Signal, items: Items, fit: Fit | None) -> None:
    whole = table(signal.score(items, fit))
    starts = range(0, len(items), 13)
    parts = [list(range(i, min(i + 13, len(items)))) for i in starts]
    split = np.vstack([table(signal.score(taken(items, part), fit)) for part in parts])
    np.testing.assert_allclose(split, whole, atol=1e-6)


def test_row_order_does_not_matter(signal: Signal, items: Items, fit: Fit | None) -> None:
    order = np.random.default_rng(0).permutation(len(items)).tolist()
    shuffled = taken(items, order)
    again = table(signal.score(shuffled, fitted(signal, shuffled)))
    np.testing.assert_allclose(again, table(signal.score(items, fit))[order], atol=1e-6)


def test_the_same_twice_is_the_same(signal: Signal, items: Items, fit: Fit | None) -> None:
    one, two = table(signal.score(items, fit)), table(signal.score(items, fitted(signal, items)))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("rows", [[], [3], [3, 4]], ids=["none", "one", "two"])
def test_few_rows_are_defined(signal: Signal, items: Items, rows: list[int]) -> None:
    few = taken(items, rows)
    scores = signal.score(few, fitted(signal, few))
    for column in scores.columns.values():
        assert column.values.shape == (len(rows),)
        assert (np.isfinite(column.values) == (column.status == "ok")).all()


def test_rows_the_fit_has_not_seen_are_scored(
    signal: Signal, items: Items, fit: Fit | None
) -> None:
    half = taken(items, list(range(0, len(items), 2)))
    other = taken(items, list(range(1, len(items), 2)))
    scores = signal.score(other, fitted(signal, half))
    assert all((column.status == "ok").sum() > 10 for column in scores.columns.values())


def test_equal_texts_are_defined(signal: Signal) -> None:
    n = 24
    ids = [f"pair-{i}" for i in range(n)]
    same = ["the same words"] * n
    equal = items_of(signal.level, with_vectors(Pairs(ids, ids, same, same, same)))
    scores = signal.score(equal, fitted(signal, equal))
    for name, column in scores.columns.items():
        assert (np.isfinite(column.values) == (column.status == "ok")).all()
        known = column.values[column.status == "ok"]
        assert name == "first" or len(known) == 0 or np.ptp(known) < 1e-9


def test_survives_json(signal: Signal) -> None:
    again = parse_signal(orjson.loads(orjson.dumps(signal.model_dump(mode="json"))))
    assert again == signal
    assert again.identity() == signal.identity()


def other_value(signal: Signal, name: str) -> Any:
    value = getattr(signal, name)
    if name == "device":
        return "cpu"
    if isinstance(value, Signal):
        return value.model_copy(update={"max_tokens": 77})
    if isinstance(value, tuple):
        return value[:1] if value[:1] != value else ("another",)
    if value is None:
        return 64 if name == "max_tokens" else "v2"
    if isinstance(value, str):
        return "float32"
    return {"int": 7, "float": 0.25}[type(value).__name__]


def test_the_identity_changes_with_every_parameter_but_the_device(signal: Signal) -> None:
    identities = {signal.identity()}
    for name in set(type(signal).model_fields) - {"kind"}:
        changed = signal.model_copy(update={name: other_value(signal, name)})
        assert getattr(changed, name) != getattr(signal, name)
        assert (changed.identity() == signal.identity()) == (name == "device"), name
        identities.add(changed.identity())
    assert len(identities) == len(set(type(signal).model_fields) - {"kind", "device"}) + 1


def test_the_device_of_a_nested_signal_is_no_identity(signal: Signal) -> None:
    for name, value in signal:
        if isinstance(value, Signal):
            moved = signal.model_copy(update={name: value.model_copy(update={"device": "cuda"})})
            assert moved.identity() == signal.identity()


def test_refuses_an_unknown_parameter(signal: Signal) -> None:
    with pytest.raises(ValidationError):
        parse_signal({**signal.model_dump(mode="json"), "unknown": 1})


def test_is_documented(signal: Signal) -> None:
    assert len(type(signal).__doc__ or "") > 60
    assert len({output.name for output in signal.outputs}) == len(signal.outputs)


@pytest.mark.parametrize("kind", ["style", "reward_margin"])
def test_swapping_the_responses_changes_the_sign(kind: str, pairs: Pairs) -> None:
    signal = parse_signal({"kind": kind})
    fit = fitted(signal, pairs)
    scores, swapped = signal.score(pairs, fit), signal.score(pairs.swapped(), fit)
    for output in signal.outputs:
        one, two = scores.columns[output.name].values, swapped.columns[output.name].values
        if output.low == 0 and output.high == 1:
            np.testing.assert_allclose(two, 1 - one, atol=1e-9)
        elif output.low == 0:
            np.testing.assert_allclose(two, one, atol=1e-9)
        else:
            np.testing.assert_allclose(two, -one, atol=1e-9)


def test_a_pair_with_two_equal_responses_has_no_margin(pairs: Pairs) -> None:
    signal = parse_signal({"kind": "reward_margin"})
    status = signal.score(pairs, fitted(signal, pairs)).columns["margin_mean"].status
    assert status[1] == "equal_responses"
    assert (np.delete(status, 1) == "ok").all()


def test_duplicated_rows_have_equal_scores(signal: Signal, items: Items, fit: Fit | None) -> None:
    if isinstance(items, Pairs):
        twice: Items = replace(items, ids=items.ids)
    else:
        twice = items
    doubled = taken(twice, [5, 5, 7])
    values = table(signal.score(doubled, fit))
    np.testing.assert_allclose(values[0], values[1], atol=1e-9)


@pytest.mark.gpu
def test_the_gpu_gives_the_same_scores(signal: Signal, items: Items) -> None:
    if "device" not in type(signal).model_fields:
        return
    by_device = [
        table(moved.score(items, fitted(moved, items)))
        for moved in (signal.model_copy(update={"device": place}) for place in ("cpu", "cuda"))
    ]
    np.testing.assert_allclose(by_device[1], by_device[0], atol=0.05)
