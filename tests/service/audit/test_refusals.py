"""What an audit refuses to say, each refusal provoked by a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.audit.run import audit, rendered

Rows = list[dict[str, Any]]
WORDS = [
    "river",
    "stone",
    "light",
    "house",
    "green",
    "paper",
    "window",
    "quiet",
    "silver",
    "bridge",
]


def text(rng: np.random.Generator, words: int = 12) -> str:
    return " ".join(rng.choice(WORDS, words).tolist())


def pairs(n: int, wrong: float = 0.0, longer: bool = True) -> Rows:
    """chosen/rejected; the longer answer is better, but for `wrong` of them."""
    rng = np.random.default_rng(0)
    rows: Rows = []
    for i in range(n):
        better, worse = text(rng, 14 if longer else 8), text(rng, 8)
        if rng.random() < wrong:
            better, worse = worse, better
        rows.append({"prompt": f"{text(rng, 5)} {i}?", "chosen": better, "rejected": worse})
    return rows


def judged(
    n: int, judges: int, says: Callable[[np.random.Generator, int, int], str], **extra: Any
) -> Rows:
    """Native records of two responses; judge k says of record i `says(rng, i, k)`."""
    rng = np.random.default_rng(0)
    rows: Rows = []
    for i in range(n):
        shown = "ab" if i % 2 else "ba"
        rows.append(
            {
                "id": str(i), "messages": [{"role": "user", "content": f"{text(rng, 5)} {i}?"}],
                "responses": [{"id": "x", "text": text(rng)}, {"id": "y", "text": text(rng, 9)}],
                "comparisons": [
                    {"a": "x", "b": "y", "outcome": says(rng, i, k), "annotator": f"judge {k}",
                     "shown": shown}
                    for k in range(judges)
                ],
                **extra,
            }
        )  # fmt: skip
    return rows


def audited(rows: Rows, tmp_path: Path, **options: Any) -> dict[str, Any]:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rendered(audit([path], embed=False, **options))[0]


def coin(rng: np.random.Generator, _: int, __: int) -> str:
    return str(rng.choice(["a", "b"]))


def mostly_right(rng: np.random.Generator, i: int, k: int) -> str:
    """Independent judges, of seven to nine right in ten; a is right for odd records."""
    right = rng.random() < 0.7 + 0.02 * k
    return "a" if (i % 4 < 2) == right else "b"


def the_longer(rng: np.random.Generator, i: int, k: int) -> str:
    return "a" if k < 6 else coin(rng, i, k)


def first_shown(rng: np.random.Generator, i: int, k: int) -> str:
    if rng.random() < 0.3:
        return mostly_right(rng, i, k)
    return "a" if i % 2 else "b"


def test_too_few_labels(tmp_path: Path) -> None:
    said = audited(pairs(12), tmp_path)
    assert "too few labels: fewer than 20 decided pairs" in said["likely_wrong"]["why"]
    assert said["likely_wrong"]["labels"] is None


def test_not_identified_for_want_of_pairs_to_learn_from(tmp_path: Path) -> None:
    said = audited(pairs(60), tmp_path)
    assert said["refusals"] == [
        "not identified: no content scorer (fewer than 100 decided pairs)"
    ]  # fmt: skip
    assert said["content"]["strength"] == "none"


def test_not_identified_for_want_of_prompts(tmp_path: Path) -> None:
    rows = [{**row, "prompt": "The same one?"} for row in pairs(120)]
    said = audited(rows, tmp_path)
    assert said["refusals"] == ["not identified: no content scorer (too few different prompts)"]


def test_not_identified_where_there_is_no_text(tmp_path: Path) -> None:
    images = [{"id": name, "uri": f"{name}.png"} for name in ("x", "y")]
    rows = [
        {**row, "modality": "image", "responses": images} for row in judged(30, 1, mostly_right)
    ]
    said = audited(rows, tmp_path)
    assert said["refusals"] == ["not identified: no content scorer (the responses are not texts)"]
    assert "not texts" in said["like_minds"]["why"]


def test_not_identified_where_the_texts_foretell_nothing(tmp_path: Path) -> None:
    said = audited(pairs(150, longer=False), tmp_path)
    (why,) = said["refusals"]
    assert why.startswith("not identified: the scorer is right on")
    rates = {rate["name"]: rate for rate in said["noise_rates"]}
    assert rates["expectation maximisation"]["rate"] is None
    assert "right on" in rates["confident learning"]["why"]
    assert "flip" not in said["actions"]


@pytest.mark.parametrize(
    ("says", "finding"),
    [(first_shown, "shown first wins"), (the_longer, "longer")],
    ids=["order", "length"],
)  # fmt: skip
def test_a_shared_bias_is_possible(says: Any, finding: str, tmp_path: Path) -> None:
    said = audited(judged(80, 8, says), tmp_path)
    warned = [each for each in said["warnings"] if each.startswith("shared bias possible: ")]
    assert any(finding in each for each in warned), said["shared_bias"]
    assert said["likely_wrong"]["labels"] is None
    assert "flip" not in said["actions"]


def test_judges_that_err_together_are_a_possible_shared_bias(tmp_path: Path) -> None:
    shared = np.random.default_rng(5).random((200, 2)) < [0.5, 0.35]

    def camps(rng: np.random.Generator, i: int, k: int) -> str:
        """Half of them follow something else than the other half."""
        follows = (i % 4 < 2) != shared[i, 1] if k % 2 else shared[i, 0]
        return "a" if follows == (rng.random() < 0.9) else "b"

    said = audited(judged(200, 8, camps), tmp_path)
    assert any("beyond what one truth explains" in each for each in said["warnings"])


def test_independent_judges_are_not_suspected(tmp_path: Path) -> None:
    rows = judged(120, 8, mostly_right)
    for i, row in enumerate(rows):
        row["comparisons"] = [{**each, "shown": "ab" if i % 3 else "ba"}
                              for each in row["comparisons"]]  # fmt: skip
        if i % 2:  # the longer one is not the better one
            row["responses"][0]["text"], row["responses"][1]["text"] = (
                row["responses"][1]["text"], row["responses"][0]["text"],
            )  # fmt: skip
    said = audited(rows, tmp_path)
    assert not said["warnings"]
    assert said["likely_wrong"]["labels"] is not None


def test_too_few_anchors(tmp_path: Path) -> None:
    gold = {"better": ["x"], "worse": ["y"], "basis": "checked"}
    rows = judged(40, 4, mostly_right, gold=gold)
    said = audited(rows, tmp_path, anchors="3")
    assert "3 anchors are too few to say whom to believe" in said["warnings"]
    assert said["method"] == "glad"


def test_too_few_labels_for_groups_topics_and_calibration(tmp_path: Path) -> None:
    rows = judged(15, 3, mostly_right, metadata={"topic": "law"})
    said = audited(rows, tmp_path)
    assert said["like_minds"]["why"].startswith("too few labels: 0 annotators")
    assert {row["why"] for row in said["by_topic"]["annotators"]} == {"too few labels: 15"}
    few = audited(judged(4, 2, mostly_right), tmp_path)
    assert [row["why"] for row in few["calibration"]] == ["too few labels: 8"]
    lone = audited(judged(40, 1, mostly_right), tmp_path)
    assert lone["by_topic"]["why"].startswith("too few labels")


def test_rates_of_repeats_and_verified_answers_need_twenty(tmp_path: Path) -> None:
    rates = {rate["name"]: rate for rate in audited(pairs(30), tmp_path)["noise_rates"]}
    assert rates["repeated labels"]["why"] == "only 0 questions were asked twice"
    assert rates["verified answers"]["why"] == "only 0 labels have a verified answer"


def test_principles_are_refused_where_none_are_given_or_too_few_pairs_have_them(
    tmp_path: Path,
) -> None:
    rows = judged(10, 1, mostly_right)
    assert "no principles are given" in audited(rows, tmp_path)["principles"]["why"]
    for row in rows:
        first = row["comparisons"][0]
        row["comparisons"] += [{**first, "aspect": "safe"}, {**first, "aspect": "true"}]
    assert audited(rows, tmp_path)["principles"]["why"].startswith("too few labels: 10 pairs")
