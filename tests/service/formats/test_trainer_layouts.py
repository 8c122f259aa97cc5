"""What the trainers' layouts read, written down; and what they say about wrong rows."""

import base64
import hashlib
from typing import Any

import pytest

from service.formats import FORMATS, RowError, recognise
from service.formats.record import Annotator, Comparison, Ranking, Rating, Record, Response
from service.formats.thumbs import up_or_down
from service.tables.labels import Outcome

USER = {"role": "user", "content": "2 + 2?"}
SYSTEM = {"role": "system", "content": "Be brief."}
ALPACA = {"instruction": "Translate", "input": "Bonjour", "system": "Be brief."}
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


def read(name: str, **row: Any) -> Record:
    return FORMATS[name].read(row)


def test_a_thumb_is_a_rating_on_zero_to_one_and_a_missing_one_is_missing() -> None:
    up = read("trl_unpaired", prompt="2 + 2?", completion="4", label=True)
    assert up.messages == [USER]
    assert up.ratings == (Rating(value=1.0, response="completion", scale=(0.0, 1.0)),)
    down = read("llamafactory", instruction="2 + 2?", output="5", kto_tag=False)
    assert down.ratings == (up_or_down(False, "output"),)
    assert read("trl_unpaired", prompt="q", completion="a", label=None).ratings == ()


def test_a_step_is_a_rating_of_a_message_of_the_response() -> None:
    record = read("trl_stepwise", prompt="q", completions=["a", "b"], labels=[True, False])
    [response] = record.responses
    assert [turn["content"] for turn in response.messages or ()] == ["a", "b"]
    assert [(label.turn, label.value) for label in record.ratings] == [(0, 1.0), (1, 0.0)]


def test_an_alpaca_prompt_is_system_history_and_instruction_with_input() -> None:
    record = read("llamafactory", **ALPACA, history=[["a", "b"]], chosen="Hello", rejected="Bye")
    assert record.messages == [
        SYSTEM,
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "Translate\nBonjour"},
    ]
    assert [response.text for response in record.responses] == ["Hello", "Bye"]


def test_a_function_call_becomes_a_tool_call_and_comes_back() -> None:
    layout, call = FORMATS["llamafactory"], '{"name":"f","arguments":{"x":1}}'
    turns = [
        {"from": "human", "value": "q"},
        {"from": "function_call", "value": call},
        {"from": "observation", "value": "1"},
    ]
    answers = {name: {"from": "gpt", "value": name} for name in ("chosen", "rejected")}
    record = layout.read({"conversations": turns, **answers})
    assert [message["role"] for message in record.messages] == ["user", "assistant", "tool"]
    assert record.messages[1]["tool_calls"][0]["function"]["name"] == "f"
    assert layout.write(record) == [{"conversations": turns, **answers}]


def test_the_lower_rank_is_preferred_whatever_the_order_of_completions() -> None:
    worse, better = (
        {"rank": rank, "completion": [{"role": "assistant", "content": text}]}
        for rank, text in ((3, "5"), (1, "4"))
    )
    record = read("nemo_rl", context=[USER], completions=[worse, better])
    assert record.comparisons == (Comparison(a="r0", b="r1", outcome=Outcome.b),)
    record = read("nemo_rl", context=[USER], completions=[worse, better, worse])
    assert record.rankings == (Ranking(tiers=[["r1"], ["r0", "r2"]]),)


@pytest.mark.parametrize(
    ("labels", "outcome"),
    [
        ((1, 0), Outcome.a),
        ((0, 1), Outcome.b),
        ((0.5, 0.5), Outcome.tie),
        ((0, 0), Outcome.both_bad),
        ((1, None), Outcome.a),
    ],
)
def test_labels_of_two_images(labels: tuple[float, float | None], outcome: Outcome) -> None:
    images = {"jpg_0": "0.jpg", "jpg_1": "1.jpg", "user_id": 7}
    record = read("image_pairs", caption="a cat", label_0=labels[0], label_1=labels[1], **images)
    assert record.modality == "image"
    assert record.comparisons == (Comparison(Annotator("7"), a="0", b="1", outcome=outcome),)


def test_inlined_images_are_named_and_never_kept() -> None:
    inlined = base64.b64encode(JPEG).decode()
    row = {"caption": "a cat", "label_0": 1, "jpg_0": inlined, "jpg_1": {"bytes": inlined}}
    named = f"urn:sha256:{hashlib.sha256(JPEG).hexdigest()}"
    record = read("image_pairs", **row)
    assert [response.uri for response in record.responses] == [named, named]
    assert inlined not in repr(record)
    record = read("image_pairs", **row, image_0_url="https://x/0", image_1_url="https://x/1")
    assert [response.uri for response in record.responses] == ["https://x/0", "https://x/1"]
    data_url = f"data:image/jpeg;base64,{inlined}"
    record = read("image_pairs", **row | {"jpg_1": data_url})
    assert record.responses[1].uri == named


def test_a_list_of_images_keeps_its_gaps() -> None:
    row = {"prompt": "p", "image_path": ["0", "1", "2"], "ranks": [2, None, 1]}
    record = read("image_pairs", **row)
    assert record.rankings == (Ranking(tiers=[["r2"], ["r0"]]),)
    assert len(record.responses) == 3


@pytest.mark.parametrize(
    ("layout", "row", "code", "field"),
    [
        ("trl_unpaired", {"prompt": "p", "label": True}, "missing_field", "completion"),
        (
            "trl_unpaired",
            {"prompt": "p", "completion": "c", "label": "maybe"},
            "wrong_type",
            "label",
        ),
        ("trl_unpaired", {"prompt": "p", "completion": "c", "label": 2}, "wrong_type", "label"),
        (
            "trl_stepwise",
            {"prompt": "p", "completions": ["a", "b"], "labels": [True]},
            "wrong_length",
            "labels",
        ),
        (
            "trl_stepwise",
            {"prompt": "p", "completions": ["a", 1], "labels": [True, True]},
            "wrong_type",
            "completions[1]",
        ),
        ("llamafactory", {**ALPACA, "chosen": "a"}, "missing_field", "rejected"),
        (
            "llamafactory",
            {**ALPACA, "chosen": "a", "rejected": "b", "history": [["q"]]},
            "wrong_type",
            "history[0]",
        ),
        (
            "llamafactory",
            {"conversations": [{"from": "alien", "value": "x"}], "kto_tag": True},
            "wrong_type",
            "conversations[0].from",
        ),
        (
            "axolotl",
            {"messages": [USER], "chosen": {"role": "assistant"}, "rejected": {}},
            "missing_field",
            "chosen.content",
        ),
        ("axolotl", {"question": 3, "chosen": "a", "rejected": "b"}, "wrong_type", "question"),
        (
            "axolotl",
            {"question": "q", "chosen": "a", "rejected": "a"},
            "chosen_equals_rejected",
            "rejected",
        ),
        ("openrlhf", {"context_messages": [USER], "chosen": "a"}, "missing_field", "rejected"),
        ("openrlhf", {"response": [], "score": 1}, "missing_field", "response"),
        (
            "nemo_rl",
            {"context": [USER], "completions": [{"completion": "a"}]},
            "missing_field",
            "completions[0].rank",
        ),
        ("image_pairs", {"caption": "c", "jpg_0": "0", "label_0": 1}, "missing_field", "image_1"),
        (
            "image_pairs",
            {"caption": "c", "jpg_0": "0", "jpg_1": "1", "label_0": 3, "label_1": 0},
            "out_of_range",
            "label_0",
        ),
        (
            "image_pairs",
            {"prompt": "p", "image_path": ["0"], "ranks": [1, 2]},
            "wrong_length",
            "ranks",
        ),
    ],
)
def test_a_wrong_row_names_its_field(
    layout: str, row: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(RowError) as error:
        FORMATS[layout].read(row)
    assert (error.value.code, error.value.field) == (code, field)


@pytest.mark.parametrize("name", ["trl_unpaired", "llamafactory", "axolotl", "openrlhf"])
def test_each_thumb_of_a_record_is_a_row_of_its_own(name: str) -> None:
    record = Record(
        [USER],
        (Response("a", "4"), Response("b", "5"), Response("c", "6")),
        ratings=(up_or_down(True, "a"), up_or_down(False, "b"), up_or_down(True, "a")),
    )
    rows = FORMATS[name].write(record)
    found = recognise(rows)
    assert found is not None
    assert found[0].name == name
    again = [FORMATS[name].read(row) for row in rows]
    said = [(each.responses[0].text, [label.value for label in each.ratings]) for each in again]
    assert said == [("4", [1.0]), ("4", [1.0]), ("5", [0.0]), ("6", [])]


def test_a_score_is_no_thumb() -> None:
    rated = Record([USER], (Response("a", "4"),), ratings=(Rating(value=4.0, response="a"),))
    with pytest.raises(RowError, match="thumbs"):
        FORMATS["trl_unpaired"].write(rated)


def test_two_ranked_responses_are_not_written_as_a_comparison() -> None:
    ranked = Record(
        [USER], (Response("a", "4"), Response("b", "5")), rankings=(Ranking(tiers=[["a"], ["b"]]),)
    )
    with pytest.raises(RowError, match="comparison"):
        FORMATS["nemo_rl"].write(ranked)
