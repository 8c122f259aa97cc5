"""What labels express, in the report: planted words come first, refusals say why, texts are shown
as texts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from curation.audit.expressed import LEAST_PAIRS, Expressed, Method, expressed
from curation.audit.questions import Questions
from curation.items import Floats, Texts
from curation.signals.embedding import Embedding
from service.audit.collect import Collector, Place
from service.audit.expressed import what_labels_express
from service.audit.page import templates
from service.audit.run import audit, write_folder

SUBJECTS = ["The river", "My neighbour", "A small engine", "The old library", "This recipe"]
VERBS = ["needs", "follows", "explains", "changes", "keeps", "carries", "repeats"]
OBJECTS = ["warm bread", "the quiet town", "clear water", "plain words", "a long road"]
PIRATES = ["Ahoy, a pirate ship!", "Arr, pirates sail the ship.", "The pirate ship sails."]


def responses(n: int, rng: np.random.Generator) -> tuple[list[str], Floats]:
    """Three in ten speak of pirates."""
    pirate = rng.random(n) < 0.3
    texts = [
        f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}. "
        + str(rng.choice(PIRATES) if has else f"It is {rng.choice(OBJECTS)}.")
        for has in pirate
    ]
    return texts, pirate.astype(np.float64)


def pirates(n: int = 240) -> list[dict[str, Any]]:
    """Labels prefer the pirates."""
    rng = np.random.default_rng(0)
    (a, in_a), (b, in_b) = responses(n, rng), responses(n, rng)
    better = rng.random(n) < expit(2 * (in_a - in_b))
    return [
        {"prompt": f"Write {i}.", "chosen": x if won else y, "rejected": y if won else x}
        for i, (x, y, won) in enumerate(zip(a, b, better, strict=True))
    ]


def read(rows: list[dict[str, Any]], tmp_path: Path) -> tuple[Questions, list[Place], Path]:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    collector = Collector()
    collector.file(path, "in.jsonl", None)
    return collector.questions(), collector.collected.places, path


def differences(questions: Questions) -> Floats:
    texts = [text for _, *both in questions.texts or () for text in both]
    columns = Texts([str(i) for i in range(len(texts))], [""] * len(texts), texts)
    vectors = Embedding().score(columns).vectors
    assert vectors is not None
    return vectors[::2] - vectors[1::2]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Questions, list[Place], Floats]:
    questions, places, _ = read(pirates(), tmp_path_factory.mktemp("planted"))
    return questions, places, differences(questions)


@pytest.mark.parametrize("method", ["autoencoder", "dictionary"])
def test_planted_words_come_first_and_go_with_permuted_labels(
    planted: tuple[Questions, list[Place], Floats], method: Method
) -> None:
    questions, places, vectors = planted
    found = expressed(questions, vectors, method=method)
    said = what_labels_express(found, places, questions)
    first = said["strongest"][0]
    assert first["expressed"]
    preferred = first["terms_more" if first["preferred"] == "more" else "terms_less"]
    assert {"pirate", "ship"} & set(preferred)
    assert first["name_holds"]
    assert said["auc_with_features"] > said["auc_length_and_position"] + 0.05
    dry_run = first["if_unwanted"]
    assert dry_run["labels"] == len(dry_run["turn"]) > dry_run["top"] / 2
    assert dry_run["accuracy_at_top"][1] < dry_run["accuracy_at_top"][0]
    assert "Whether one should be is for a person to say" in page(said)
    assert 0 < said["stances_covered"] < 1
    assert 0.3 < first["absent"] < 0.9  # four in ten prompts have pirates on one side only
    examples = [each["response_" + first["preferred"]] for each in first["examples"]]
    assert all("pirate" in text.lower() for text in examples)
    coins = np.random.default_rng(1).integers(0, 2, len(questions))
    assert expressed(replace(questions, labels=coins), vectors, method=method).found == ()


def test_each_refusal_says_why(tmp_path: Path) -> None:
    questions, places, _ = read(pirates(LEAST_PAIRS), tmp_path)
    vectors = np.random.default_rng(0).normal(size=(LEAST_PAIRS, 8))
    fewer, _, _ = read(pirates(LEAST_PAIRS - 1), tmp_path)
    assert expressed(questions, vectors, method="dictionary").why is None
    refused = {
        "too few pairs: 199 are decided, it takes 200": expressed(fewer, vectors[1:]),
        "made without embeddings": expressed(questions, None),
        "the responses are not texts": expressed(replace(questions, texts=None), vectors),
        "the responses of every pair have the same vector": expressed(questions, 0 * vectors),
    }
    for why, found in refused.items():
        said = what_labels_express(found, places, questions)
        assert (said["why"], said["strongest"]) == (why, [])
        assert why in page(said)


def page(said: dict[str, Any]) -> str:
    template = templates.get_template("expressed.html")
    return template.render(report={"what_labels_express": said})


def test_texts_of_strangers_stay_texts(tmp_path: Path) -> None:
    rows = pirates()
    for row in rows:
        for side in ("chosen", "rejected"):
            row[side] += " <script>alert('pirate')</script>"
    questions, places, _ = read(rows, tmp_path)
    rng = np.random.default_rng(0)
    vectors = np.eye(8)[rng.integers(0, 8, len(rows))]  # each says: of chosen there is more
    said = what_labels_express(
        expressed(questions, vectors, method="dictionary"), places, questions
    )
    assert said["found"] >= 1
    html = page(said)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_nothing_found_is_said(tmp_path: Path) -> None:
    questions, places, _ = read(pirates(), tmp_path)
    coins = replace(questions, labels=np.random.default_rng(2).integers(0, 2, len(questions)))
    vectors = np.random.default_rng(0).normal(size=(len(questions), 8))
    found = expressed(coins, vectors, method="dictionary")
    assert isinstance(found, Expressed)
    assert "more than chance" in page(what_labels_express(found, places, coins))


def test_an_audit_says_what_labels_express_and_that_a_lean_grew(tmp_path: Path) -> None:
    """The longer answer wins, one label in six is wrong: what is taken out are short answers."""
    rows = [
        {"prompt": f"Question {i}?", "chosen": f"Yes {'so ' * (i % 7 + 3)}{i}.",
         "rejected": f"No {i}."}
        for i in range(204)
    ]  # fmt: skip
    for row in rows[::6]:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    _, _, path = read(rows, tmp_path)
    said = write_folder(audit([path]), tmp_path / "out")
    assert said["what_labels_express"]["why"] is None
    assert "characters" in said["habits"]["grew"]
    assert said["habits"]["clean"] is False
    html = (tmp_path / "out" / "report.html").read_text()
    assert "not clean: labels lean more on" in html
    assert "What the labels express beyond length" in html


@pytest.mark.parametrize("word", ["embed", "too few"])
def test_a_report_without_vectors_or_pairs_refuses(tmp_path: Path, word: str) -> None:
    n = 250 if word == "embed" else 120
    _, _, path = read(pirates(n), tmp_path)
    said = write_folder(audit([path], embed=False), tmp_path / "out")
    assert word in said["what_labels_express"]["why"]
