from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import ask

Rung = list[tuple[str, str]]
COMPARED = {"comparisons": [{"a": "r0", "b": "r1", "outcome": "b"}]}
RANKED = {"rankings": [{"tiers": [["r1"], ["r0"]]}]}
RATED = {"ratings": [{"response": f"r{i}", "value": i + 1.0, "scale": [1, 5]} for i in range(2)]}
THUMBS = {"ratings": [{"response": f"r{i}", "value": float(i), "scale": [0, 1]} for i in range(2)]}
STEPS = {"ratings": [{"response": "r0", "turn": 0, "value": 1.0}]}
GOLD = {"gold": {"better": ["r1"], "worse": ["r0"]}}
# What UltraFeedback, HelpSteer and Nectar look like: no comparison in any of them.
ULTRAFEEDBACK = {
    "instruction": "q",
    "completions": [
        {"model": model, "response": model, "annotations": {"helpfulness": {"Rating": rating}}}
        for model, rating in [("m0", "2"), ("m1", "4"), ("m2", "3")]
    ],
}
HELPSTEER = [
    {"prompt": "q", "response": f"r{i}", "helpfulness": i, "correctness": i, "verbosity": 1}
    for i in range(3)
]
NECTAR = {
    "prompt": "\n\nHuman: q\n\nAssistant: ",
    "answers": [{"answer": f"a{i}", "model": f"m{i}", "rank": float(i)} for i in range(1, 8)],
}


def native(*labels: dict[str, Any], scores: bool = False) -> dict[str, Any]:
    responses = [
        {"id": f"r{i}", "text": f"t{i}"} | ({"scores": {"rm": i}} if scores else {})
        for i in range(2)
    ]
    merged: dict[str, Any] = {"messages": [{"role": "user", "content": "q"}]}
    merged["responses"] = responses
    for each in labels:
        merged |= each
    return merged


def previewed(client: TestClient, *rows: dict[str, Any]) -> Any:
    dataset = new_dataset(client)
    lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    assert ingested(client, dataset, lines)["rejected"] == 0
    return ask(client, dataset, preview=True)


@pytest.mark.parametrize(
    ("row", "policy"),
    [
        (native(COMPARED), "majority"),
        (native(COMPARED, RANKED, RATED, GOLD), "majority"),
        (native(RANKED, RATED), "top_vs_rest"),
        (native(RATED), "best_vs_worst"),
        (native(THUMBS), "up_vs_down"),
        (native(scores=True), "best_by_score"),
    ],
)
def test_the_most_direct_label_chooses_the_policy(
    client: TestClient, rung: Rung, row: dict[str, Any], policy: str
) -> None:
    found = previewed(client, row).json()
    assert (found["policy"]["id"], found["report"]["pairs"]) == (policy, 1)
    assert found["report"]["examples"][0]["chosen"]["text"] == "t1"


@pytest.mark.parametrize(
    ("row", "code"), [(native(GOLD), "only_gold"), (native(STEPS), "no_labels")]
)
def test_labels_that_no_pair_is_built_from_unasked(
    client: TestClient, rung: Rung, row: dict[str, Any], code: str
) -> None:
    answer = previewed(client, row)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("rows", "policy", "pairs"),
    [
        ([ULTRAFEEDBACK], "best_vs_worst", 1),
        (HELPSTEER, "best_vs_worst", 1),
        ([NECTAR], "top_vs_rest", 6),
    ],
)
def test_the_usual_files_without_comparisons_work_out_of_the_box(
    client: TestClient, rung: Rung, rows: list[dict[str, Any]], policy: str, pairs: int
) -> None:
    found = previewed(client, *rows).json()
    assert (found["policy"]["id"], found["report"]["pairs"]) == (policy, pairs)


def test_gold_answers_make_pairs_where_they_are_asked_for(client: TestClient, rung: Rung) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, orjson.dumps(native(GOLD)) + b"\n")
    report = ask(client, dataset, "correct_vs_incorrect", preview=True).json()["report"]
    assert (report["pairs"], report["examples"][0]["votes"]) == (1, 0)
