"""What a preview says to somebody whose file is not as the layouts are."""

import io
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from service.errors import Invalid
from service.formats import FORMATS, RowError
from service.ingest.preview import preview
from service.ingest.taking import layout_of
from service.reading.json_lines import Row
from service.reading.rows import read_rows
from tests.service.ingest.test_preview import lines, look

PAIRS = "Tea?,Leaf,Stone\nInk?,Fluid,Rock\n"


def seen(content: bytes | str, layout: str | None = None, **mapping: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return preview(read_rows(io.BytesIO(data), len(data), 1 << 20), layout, mapping)


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        (
            "Prompt,Chosen,Rejected",
            {"prompt": "Prompt", "chosen": "Chosen", "rejected": "Rejected"},
        ),
        (
            "Question,Best Answer,Worst answer",
            {"prompt": "Question", "chosen": "Best Answer", "rejected": "Worst answer"},
        ),
        ("input,preferred,dispreferred", {
            "prompt": "input", "chosen": "preferred", "rejected": "dispreferred",
        }),
    ],
)  # fmt: skip
def test_a_mapping_is_proposed_by_what_the_columns_are_called(
    header: str, mapping: dict[str, str]
) -> None:
    found = seen(f"{header}\n{PAIRS}")
    assert (found["layout"], found["suggestion"]) == (None, mapping)
    then = seen(f"{header}\n{PAIRS}", **found["suggestion"])
    assert (then["layout"], then["accepted"], then["rejected"]) == ("trl_preference", 2, 0)
    assert then["mapping"] == mapping
    assert then["suggestion"] is None


def test_a_judgment_and_its_annotator_are_proposed() -> None:
    found = seen("query;answer_1;answer_2;Choice;Rater\nq;x;y;a;ann\nq;x;y;tie;bob\n")
    assert found["suggestion"] == {
        "prompt": "query", "response_a": "answer_1", "response_b": "answer_2",
        "winner": "Choice", "annotator": "Rater",
    }  # fmt: skip
    then = seen("query;answer_1;answer_2;Choice;Rater\nq;x;y;a;ann\n", **found["suggestion"])
    assert then["records"][0]["comparisons"][0]["annotator"] == "ann"


@pytest.mark.parametrize(
    "row", [{"instruction": "x", "output": "y"}, {"foo": 1}, {"question": "q", "winner": "a"}]
)
def test_nothing_is_proposed_that_could_not_be_read(row: dict[str, Any]) -> None:
    found = seen(orjson.dumps(row))
    assert (found["layout"], found["suggestion"]) == (None, None)
    assert "--map" in found["advice"][0]


def test_a_column_that_is_not_there_is_named() -> None:
    found = seen(f"prompt,chosen,rejected\n{PAIRS}", prompt="Qestion")
    assert found["advice"][0] == (
        "the file has no column 'Qestion'; it has 'prompt', 'chosen', 'rejected'"
    )


@pytest.mark.parametrize("content", ["", "\n\n", "prompt,chosen,rejected\n", "[]"])
def test_a_file_without_rows_says_so(content: str) -> None:
    found = seen(content)
    assert (found["rows"], found["advice"]) == (0, ["the file has no rows"])


def test_rows_of_several_layouts_are_said_to_be_so() -> None:
    rows = [
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"prompt": "a", "completion": "b", "label": True},
        {"foo": 1},
    ]
    found = seen(lines(*rows))
    assert found["rejected"] == 2
    assert "a file has one layout" in found["advice"][0]


def test_two_lists_of_objects_are_named() -> None:
    row = {"prompt": "a", "chosen": "b", "rejected": "c"}
    one = seen(orjson.dumps({"version": 1, "data": [row, row]}))
    assert (one["layout"], one["rows"], one["advice"]) == ("trl_preference", 2, [])
    two = seen(orjson.dumps({"data": [row], "meta": [{"x": 1}]}))
    assert two["advice"] == [
        "rows may lie in 'data', 'meta': leave one list of objects in the file"
    ]


def test_a_refused_upload_proposes_a_mapping_too() -> None:
    rows = [Row(1, {"question": "q", "good": "x", "bad": "y"}, b"")]
    with pytest.raises(Invalid) as error:
        layout_of(rows)
    assert 'try mapping={"prompt":"question","chosen":"good","rejected":"bad"}' in str(error.value)


def test_the_answer_over_rest_has_advice(client: TestClient) -> None:
    found = look(client, lines({"question": "q", "good": "x", "bad": "y"})).json()
    assert found["suggestion"] == {"prompt": "question", "chosen": "good", "rejected": "bad"}
    assert len(found["advice"]) == 1


def dialogue(answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "hi"}, {"role": "assistant", "content": answer}]


def test_answers_that_are_texts_of_json_are_messages() -> None:
    row = {side: orjson.dumps(dialogue(side)).decode() for side in ("chosen", "rejected")}
    record = FORMATS["trl_preference"].read(row)
    assert [each["content"] for each in record.messages] == ["hi"]
    assert [each.text for each in record.responses] == ["chosen", "rejected"]
    one = FORMATS["trl_preference"].read(row | {"rejected": "no", "prompt": "q"})
    assert one.responses[0].text == row["chosen"]  # of one alone it may be the answer itself


def test_messages_as_python_prints_them_are_a_reject() -> None:
    row = {"prompt": "q", "chosen": str(dialogue("yes")), "rejected": "no"}
    with pytest.raises(RowError) as error:
        FORMATS["trl_preference"].read(row)
    assert (error.value.code, error.value.field) == ("not_json", "chosen")
    assert "write it as JSON" in error.value.message


def test_the_plain_columns_are_nearly_sure() -> None:
    assert seen(f"prompt,chosen,rejected\n{PAIRS}")["confidence"] == 0.9
