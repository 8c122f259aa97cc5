"""Replays of every kind of export: record layouts, tokenizers, pair builds, splits, erasures."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.config import settings
from service.export import tokenizers
from service.export.verify import verify
from tests.service.export import tiny_tokenizer
from tests.service.labels.pair_building import built
from tests.workers.replaying import asked, described, grown, replayed, selected, uploaded

pytestmark = pytest.mark.usefixtures("rung")
SPLIT = {"test_fraction": 0.4, "split_by": ["prompt"], "split_seed": 4}
LAYOUTS = [
    ("native", {}),
    ("ranked", {}),
    ("trl_stepwise", {"leave_out": True}),
    ("judge", {"options": {"critique": False}}),
    ("personal", {"options": {"history": 2}}),
    ("format:csv", {}),
]


def compared(a: str, b: str, outcome: str, who: str) -> dict[str, Any]:
    return {"a": a, "b": b, "outcome": outcome, "annotator": who}


def row(index: int) -> dict[str, Any]:
    """Comparisons, a rating and a ranking; of every other prompt steps with thumbs alone."""
    said = {"messages": [{"role": "user", "content": f"Number {index}, {index**3}?"}]}
    if index % 2:
        steps = [{"role": "assistant", "content": f"Step {step}"} for step in range(2)]
        thumbs = [
            {"response": "x", "turn": turn, "value": turn, "scale": [0, 1]} for turn in range(2)
        ]
        return {**said, "responses": [{"id": "x", "messages": steps}], "ratings": thumbs}
    outcome = "b" if index % 4 else "a"
    return {
        **said,
        "responses": [{"id": "x", "text": f"Yes {index}"}, {"id": "y", "text": f"No {index}"}],
        "comparisons": [
            compared("x", "y", outcome, "ann"),
            compared("x", "y", "a", "ben"),
            compared("y", "x", "b", "cat"),
        ],
        "ratings": [{"response": "x", "value": 4, "aspect": "style", "annotator": "ben"}],
        "rankings": [{"tiers": [["x"], ["y"]], "annotator": "ann"}],
    }


ROWS = [row(index) for index in range(24)]


@pytest.mark.parametrize(("layout", "wanted"), LAYOUTS)
def test_a_layout_of_records_is_made_again_byte_for_byte(
    layout: str, wanted: dict[str, Any], client: TestClient, tmp_path: Path
) -> None:
    owner = uploaded(client, "mine", ROWS)
    said = described(client, owner, tmp_path / "out", layout=layout, **SPLIT, **wanted)
    assert verify(tmp_path / "out") == []
    assert {split["name"] for split in said["records"]["splits"]} == {"train", "test"}
    assert replayed(client, said) == {}


def test_records_of_a_subset_and_of_a_filter_are_made_again(
    client: TestClient, tmp_path: Path
) -> None:
    owner = uploaded(client, "mine", ROWS)
    subset = selected(client, owner, budget="5", seed=2)
    said = described(client, subset, tmp_path / "subset", layout="native", test_fraction=0.3)
    assert sum(each["records"] for each in said["records"]["splits"]) == 5
    assert replayed(client, said) == {}
    few = described(client, owner, tmp_path / "few", layout="native", where="agreement < 1")
    assert sum(each["records"] for each in few["records"]["splits"]) == 6
    assert replayed(client, few) == {}


def test_splits_by_annotator_are_made_again_after_the_dataset_grew(
    client: TestClient, tmp_path: Path
) -> None:
    """What an export remembers of an earlier one travels in its manifest."""

    def line(index: int, who: str) -> dict[str, Any]:
        return {
            "messages": [{"role": "user", "content": f"Say {index}, {index * 7}, {index**2}"}],
            "responses": [{"id": "x", "text": f"Yes {index}"}, {"id": "y", "text": "No"}],
            "comparisons": [compared("x", "y", "a", who)],
        }

    first = [line(index, f"ann {index % 12}") for index in range(24)]
    more = [line(index, f"ann {index % 13}") for index in range(24, 40)]
    by = {"test_fraction": 0.4, "split_by": ["near_duplicate", "annotator"]}
    owner = uploaded(client, "mine", first)
    described(client, owner, tmp_path / "before", **by)
    twin = uploaded(client, "twin", first, more)
    grown(client, owner, more)
    for layout in ("huggingface", "native"):
        said = described(client, owner, tmp_path / layout, layout=layout, **by)
        assert verify(tmp_path / layout) == []
        assert said["split"]["prompts_test"] > 0
        assert replayed(client, said, twin) == {}, layout


def test_a_preflight_with_a_tokenizer_is_made_again_and_another_tokenizer_is_named(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = settings.model_copy(update={"model_folders": str(tmp_path / "models")})
    monkeypatch.setattr(tokenizers, "settings", own)
    tiny_tokenizer.save(tmp_path / "models" / "tiny")
    numbers = tiny_tokenizer.NUMBERS
    rows = [
        {"prompt": f"{one} {two}", "chosen": f"{two} {two} {one}", "rejected": one}
        for one in numbers for two in numbers[:3] if one != two
    ]  # fmt: skip
    owner = uploaded(client, "mine", rows)
    wanted = {"layout": "trl_preference", "tokenizer": "tiny", "max_length": 7}
    said = described(client, owner, tmp_path / "out", **SPLIT, **wanted)
    assert said["options"]["tokenizer"] == "tiny"
    assert "truncated" in (tmp_path / "out" / "preflight.json").read_text()
    assert replayed(client, said) == {}
    other = tiny_tokenizer.TEMPLATE.replace("<end>", "")
    tiny_tokenizer.save(tmp_path / "models" / "tiny", other)
    found = replayed(client, said)
    assert {*found} == {("options", "tokenizer.sha256"), ("file", "preflight.json")}


def rated(index: int) -> dict[str, Any]:
    """Three answers that two people rate: pairs are made by a policy only."""
    texts = [f"Answer {index} {place}" for place in range(3)]
    return {
        "messages": [{"role": "user", "content": f"What of {index} and {index**2}?"}],
        "responses": [{"id": f"r{place}", "text": each} for place, each in enumerate(texts)],
        "ratings": [
            {
                "response": f"r{place}",
                "value": (place * 3 + index + (who == "ben")) % 7 + 1,
                "scale": [1, 8],
                "annotator": who,
            }
            for who in ("ann", "ben")
            for place in range(3)
        ],
    }


def test_pairs_that_policies_made_are_made_again(client: TestClient, tmp_path: Path) -> None:
    rows = [rated(index) for index in range(24)]
    owner = uploaded(client, "mine", rows)
    for policy in ("curry", "all_pairs"):
        assert built(client, owner.split("/")[1], policy)["state"] == "ready"
    subset = selected(client, owner, budget="40", seed=3)
    said = described(client, subset, tmp_path / "pairs", **SPLIT)
    assert len(said["replay"]["pair_builds"]) == 2
    margins = {"layout": "trl_reward", "options": {"margin": True}}
    assert replayed(client, described(client, subset, tmp_path / "reward", **margins)) == {}
    assert replayed(client, described(client, subset, tmp_path / "all", layout="native")) == {}
    twin = uploaded(client, "twin", rows)
    plan = asked(client, "/exports/replay", {"manifest": said, "dataset": twin.split("/")[1]})
    [change] = plan["changes"]
    assert (change["what"], change["name"]) == ("pairs", "pair_builds")
    assert change["message"].startswith("0 pair builds now, 2 then")
    for policy in said["replay"]["pair_builds"]:
        assert built(client, twin.split("/")[1], policy)["state"] == "ready"
    assert replayed(client, said, twin) == {}


@pytest.mark.parametrize("layout", ["huggingface", "trl_preference", "native"])
def test_what_an_erased_annotator_changed_is_said(
    layout: str, client: TestClient, tmp_path: Path
) -> None:
    owner = uploaded(client, "mine", ROWS)
    subset = selected(client, owner, budget="8")
    wanted = {"layout": layout, "split_by": ["annotator"], "test_fraction": 0.4}
    said = described(client, subset, tmp_path / "out", **wanted)
    asked(client, f"/{owner}/erasures", {"annotator": {"name": "ben", "kind": "human"}})
    found = replayed(client, said)
    assert "erased" in found["labels", "annotators"]
    assert any(name.startswith("data/") for what, name in found if what == "file")
    if layout == "native":
        assert found["labels", "records.labels.comparisons"] == "12 now, 24 then"  # and two tie
        assert replayed(client, said, uploaded(client, "again", ROWS)) == {}


def test_pairs_that_a_policy_made_of_erased_labels_are_said(
    client: TestClient, tmp_path: Path
) -> None:
    owner = uploaded(client, "mine", [rated(index) for index in range(12)])
    assert built(client, owner.split("/")[1], "best_vs_worst")["state"] == "ready"
    said = described(client, selected(client, owner), tmp_path / "pairs", test_fraction=0)
    asked(client, f"/{owner}/erasures", {"annotator": {"name": "ben", "kind": "human"}})
    left = asked(client, f"/{owner}/exports", {"layout": "huggingface"})["export"]["id"]
    assert client.get(f"/api/v1/exports/{left}").json()["state"] == "failed"  # no pair is left
    assert built(client, owner.split("/")[1], "best_vs_worst")["state"] == "ready"
    assert {"labels", "file"} <= {what for what, _ in replayed(client, said)}
