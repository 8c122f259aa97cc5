"""What every trainer's layout promises, and the layouts that belong to no trainer."""

import csv
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from pydantic import ValidationError

from service.export.layout import PairLayout
from service.formats import FORMATS
from service.formats.fields import Cell, turns_of
from service.formats.record import RowError
from service.trainers import LAYOUTS
from service.trainers.spreadsheet import Csv
from service.trainers.whole_records import ImagePairs, NativeRecord, RankedList
from tests.service.formats.test_conformance import FULL, read, rows_of
from tests.service.trainers.pairs import (
    DIALOGUE,
    PAIR_LAYOUTS,
    PAIRS,
    pair,
    rows,
    says,
    write,
)

TOOL_CALL = [{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]}]
IMAGE = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]}]


def test_the_layouts_are_those_of_the_catalogue() -> None:
    assert set(LAYOUTS) == {
        "aspect_pairs", "aspect_scores", "axolotl", "critique_answers", "critique_pairs", "csv",
        "diffusion_dpo", "image_pairs", "joint_pairs", "judge", "llamafactory", "llamafactory_kto",
        "native", "nemo_rl", "openrlhf", "personal", "prompts", "ranked", "reward_augmented",
        "reward_votes", "sft", "step_values", "trl_preference", "trl_prompts",
        "trl_reward", "trl_stepwise",
        "trl_thumbs", "trl_unpaired", "ultrafeedback_binarized",
    }  # fmt: skip


@pytest.mark.parametrize("name", PAIR_LAYOUTS)
def test_rows_have_exactly_the_columns_and_tell_their_pair(name: str) -> None:
    layout = LAYOUTS[name]()
    assert isinstance(layout, PairLayout)
    written = list(layout.rows(PAIRS))
    assert {tuple(row.values) for row in written} == {layout.columns}
    origins = [row.origin["pair_id"] for row in written]
    assert origins == sorted(origins)
    assert set(origins) <= {pair.pair_id for pair in PAIRS}


@pytest.mark.parametrize("name", PAIR_LAYOUTS)
def test_files_are_loaded_with_the_columns_in_order(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]()
    place = write(layout, {"train": PAIRS}, tmp_path)
    kind = "json" if layout.file_kind == "jsonl" else layout.file_kind
    path = str(tmp_path / place.files["train"][0])
    data = load_dataset(kind, data_files=path, cache_dir=str(tmp_path / "cache"))["train"]
    assert tuple(data.column_names) == layout.columns
    assert len(data) == len(rows(layout, PAIRS))


@pytest.mark.parametrize("name", PAIR_LAYOUTS)
@pytest.mark.parametrize("wrong", [{"prompt": IMAGE}, {"chosen": TOOL_CALL}])
def test_what_is_no_text_is_refused_and_never_dropped(name: str, wrong: dict[str, Any]) -> None:
    if name == "trl_prompts" and "chosen" in wrong:
        return
    with pytest.raises(RowError) as error:
        rows(LAYOUTS[name](), [replace(PAIRS[0], **wrong)])
    assert error.value.code == "not_expressible"


@pytest.mark.parametrize("name", LAYOUTS)
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        LAYOUTS[name].model_validate({"colour": "red"})


@pytest.mark.parametrize("name", ["trl_reward", "openrlhf"])
def test_a_column_of_margins_has_no_gaps(name: str) -> None:
    layout = LAYOUTS[name].model_validate({"margin": True})
    assert [row["margin"] for row in rows(layout, PAIRS)] == [pair.margin for pair in PAIRS]
    for missing in (None, nan):
        with pytest.raises(RowError, match="no margin"):
            rows(layout, [pair(0, margin=missing)])


def test_ultrafeedback_rows_hold_whole_dialogues() -> None:
    [row] = rows(LAYOUTS["ultrafeedback_binarized"](), [pair(6, DIALOGUE)])
    assert row["prompt"] == "2 + 2?"
    assert row["chosen"] == row["messages"] == [*DIALOGUE, *says("good 6")]
    assert (row["prompt_id"], row["score_chosen"], row["score_rejected"]) == ("prompt-3", 3.0, 1.5)


def test_a_csv_reads_back_to_the_same_pairs(tmp_path: Path) -> None:
    place = write(Csv(), {"train": PAIRS}, tmp_path)
    with (tmp_path / place.files["train"][0]).open(newline="") as file:
        found = list(csv.DictReader(file))
    assert found[0]["prompt"] == "question 0"
    for row, given in zip(found, PAIRS, strict=True):
        cells = {name: Cell(value) for name, value in row.items() if value}
        record = FORMATS["trl_preference"].read(cells)
        assert record.messages == given.prompt
        assert [turns_of(each) for each in record.responses] == [given.chosen, given.rejected]
        assert float(record.extra["margin"]) == given.margin


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "plain"])
def test_formulas_are_neutralised_only_where_asked_for(text: str) -> None:
    one = pair(0, chosen=says(text), margin=-1.0)
    [row] = rows(Csv(neutralise=True), [one])
    assert row["chosen"] == (text if text == "plain" else f"'{text}")
    assert row["margin"] == -1.0  # a number is none
    assert rows(Csv(), [one])[0]["chosen"] == text


def test_native_rows_say_everything() -> None:
    found = rows(NativeRecord(), [FULL])
    assert read(FORMATS["native"], found) == [FULL]


def test_ranked_lists_have_ranks_from_one_and_ties_share_one() -> None:
    ranked, rated = (
        {"messages": [{"role": "user", "content": "q"}], "responses": responses, **labels}
        for responses, labels in (
            (TEXTS, {"rankings": [{"tiers": [["b"], ["a", "c"]]}]}),
            (TEXTS, {"ratings": [{"response": id, "value": v} for id, v in (("a", 1), ("c", 5))]}),
        )
    )
    records = read(FORMATS["native"], [ranked, rated])
    first, second = rows(RankedList(), records)
    assert (first["responses"], first["ranks"]) == (["A", "B", "C"], [2, 1, 2])
    assert first["scores"] == [None] * 3
    assert (second["responses"], second["ranks"], second["scores"]) == (["A", "C"], [2, 1], [1, 5])


TEXTS = [{"id": id, "text": id.upper()} for id in "abc"]


def test_a_list_of_one_is_no_list() -> None:
    record = read(
        FORMATS["native"],
        [{"messages": [], "responses": TEXTS, "rankings": [{"tiers": [["b"]]}]}],
    )
    assert rows(RankedList(), record) == []


def test_images_leave_by_uri_and_only_with_a_label() -> None:
    records = read(FORMATS["image_pairs"], rows_of("image_pairs")[:4])
    found = rows(ImagePairs(), records)
    assert [row["caption"] for row in found] == ["a cat", "a dog", "a hen"]
    assert found[0] == {
        "caption": "a cat", "jpg_0": "https://images.example/0.png",
        "jpg_1": "https://images.example/1.png", "model_0": "sdxl", "model_1": "dream",
        "label_0": 0.0, "label_1": 1.0,
    }  # fmt: skip
