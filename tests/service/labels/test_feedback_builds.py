"""Pairs out of chats: over REST, with their evidence, and gone with the file they came from."""

import gzip
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient
from scipy.special import expit
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.models.satisfaction import log_odds
from curation.signals.embedding import Embedding
from service.labels import feedback_builds, pair_builds
from service.tables.items import Prompt, Response
from service.tables.jobs import JobKind
from service.tables.metadata import Table
from service.tables.pairs import Pair
from service.tables.scores import EmbeddingRow
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import ask, built, pairs_of, texts
from workers.erasing import Erasing
from workers.protocol import run_job
from workers.scoring import Scoring

Rung = list[tuple[str, str]]
EMBEDDING = {"kind": "embedding"}
DATA = Path(os.environ.get("PREFSIFT_TEST_DATA", "../shared/data"))


def chat(*said: str, id: str, **more: object) -> dict[str, object]:
    roles = ("user", "assistant")
    turns = [{"role": roles[turn % 2], "content": text} for turn, text in enumerate(said)]
    return {"conversation_id": id, "conversation": turns, **more}


CHATS = [
    chat("Write X", "A1", "No, you ignored the table", "A2", "Perfect, thanks", id="c1"),
    chat("Write X", "A1", "No, you ignored the table", "A2", "Perfect, thanks", id="again"),
    chat("Sort it", "B1", "Great, thank you!", "B2", "How fast is it?", id="c2"),
    chat("Cook it", "C1", "That's wrong, it burns.", "C2", "And with rice?", "C3",
         "Wonderful, that worked!", id="c3", user_id="u7"),
]  # fmt: skip


def lines(rows: list[dict[str, object]]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def test_chats_become_pairs_that_cite_the_users_words(client: TestClient, rung: Rung) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, lines(CHATS))
    assert (upload["layout"], upload["pairs"]) == ("chat", 0)
    done = built(client, dataset, "wildfeedback")
    assert (done["state"], done["pairs"], done["report"]["added"]) == ("ready", 2, 2), done
    assert done["report"]["measured"]["user_turns"] == 7  # a repeated chat is one
    pairs = pairs_of(client, dataset)
    assert texts(pairs) == {("A2", "A1"), ("C3", "C1")}
    first = next(pair for pair in pairs if pair["rejected"]["text"] == "A1")
    said = first["evidence"]["feedback"]
    assert first["prompt"] == [{"role": "user", "content": "Write X"}]
    assert (first["evidence"]["conversation_id"], said["turn"]) == ("c1", 2)
    assert said["text"] == "No, you ignored the table"[said["start"] : said["end"]]
    assert first["source"]["line"] == 1
    assert 0.5 < first["soft_label"] <= 1
    again = built(client, dataset, "wildfeedback")
    assert again["id"] == done["id"]


def test_a_preview_of_it_is_refused(client: TestClient) -> None:
    answer = ask(client, new_dataset(client), "wildfeedback", preview=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "no_preview")


def test_what_it_wrote_leaves_with_the_file(
    client: TestClient, session: Session, rung: Rung
) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, lines(CHATS))
    built(client, dataset, "wildfeedback")
    assert rows(session, Response) == 4
    client.post(f"/api/v1/uploads/{upload['id']}/withdraw")
    assert rows(session, Pair) == 0
    client.post(f"/api/v1/uploads/{upload['id']}/restore")
    assert built(client, dataset, "wildfeedback")["pairs"] == 2
    made = client.post(f"/api/v1/datasets/{dataset}/erasures", json={"upload_id": upload["id"]})
    run_job(uuid.UUID(made.json()["job"]["id"]), ("cpu",), {JobKind.erase: Erasing()})
    assert (rows(session, Pair), rows(session, Response), rows(session, Prompt)) == (0, 0, 0)


@pytest.mark.parametrize("way", ["withdraw", "delete the build"])
def test_it_leaves_also_where_its_pairs_went_before(
    client: TestClient, session: Session, rung: Rung, way: str
) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, lines(CHATS))
    builds = f"/api/v1/datasets/{dataset}/pair-builds"
    build = built(client, dataset, "wildfeedback")
    made = client.post(f"/api/v1/datasets/{dataset}/jobs", json={"signals": [EMBEDDING]}).json()
    run_job(uuid.UUID(made["id"]), ("cpu", "gpu"), {JobKind.score: Scoring()})
    assert rows(session, EmbeddingRow) == 10  # two prompts, four answers, each with its prompt
    if way == "withdraw":
        client.post(f"/api/v1/uploads/{upload['id']}/withdraw")
    else:
        assert client.delete(f"{builds}/{build['id']}").status_code == 204
    other = chat("Fix it", "D1", "No, that's wrong", "D2", "Perfect, thanks", id="other")
    ingested(client, dataset, lines([other]))
    if way == "withdraw":
        assert built(client, dataset, "wildfeedback")["pairs"] == 1
    made = client.post(f"/api/v1/datasets/{dataset}/erasures", json={"upload_id": upload["id"]})
    run_job(uuid.UUID(made.json()["job"]["id"]), ("cpu",), {JobKind.erase: Erasing()})
    assert rows(session, EmbeddingRow) == 0
    left = {response.text for response in session.scalars(select(Response))}
    assert left == ({"D1", "D2"} if way == "withdraw" else set())
    assert not any("A1" in str(prompt.messages) for prompt in session.scalars(select(Prompt)))
    assert rows(session, Prompt) == (2 if way == "withdraw" else 1)  # the chat, and its beginning


@pytest.mark.parametrize("way", ["withdraw", "erase"])
def test_a_build_shows_no_words_of_what_has_left(client: TestClient, rung: Rung, way: str) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, lines(CHATS))
    shown = built(client, dataset, "wildfeedback")["report"]
    assert len(shown["examples"]) == 2
    if way == "withdraw":
        client.post(f"/api/v1/uploads/{upload['id']}/withdraw")
    else:
        asked = {"upload_id": upload["id"]}
        made = client.post(f"/api/v1/datasets/{dataset}/erasures", json=asked).json()
        run_job(uuid.UUID(made["job"]["id"]), ("cpu",), {JobKind.erase: Erasing()})
    [build] = client.get(f"/api/v1/datasets/{dataset}/pair-builds").json()["items"]
    assert build["report"] == {**shown, "examples": []}


def rows(session: Session, table: type[Table]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.realdata
def test_the_reading_finds_what_a_reader_found_in_the_shared_trees(
    client: TestClient, rung: Rung
) -> None:
    """One model reader labelled them, not people: limits below what was measured (docs)."""
    labels = json.loads((DATA / "oasst" / "insitu_labels.json").read_text())["labels"]
    with gzip.open(DATA / "oasst" / "en_100_tree.jsonl.gz") as file:
        said = dict(pair for line in file for pair in turns(orjson.loads(line)["prompt"]))
    names = [name for name in labels if name in said]
    p = expit(log_odds([said[name] for name in names], Embedding()))
    for side, kinds in enumerate((("SAT", "MIXED"), ("DSAT", "REVISE", "MIXED"))):
        truth = np.array([labels[name] in kinds for name in names])
        found = p[:, side] >= 0.5
        assert truth[found].mean() > 0.6
        assert p[truth, side].mean() > 2 * p[~truth, side].mean()


def turns(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(id, text) of every prompter's message."""
    if node["role"] == "prompter":
        yield node["message_id"], node["text"]
    for reply in node["replies"]:
        yield from turns(reply)


def test_others_may_write_while_its_models_read_and_what_they_wrote_is_read_too(
    client: TestClient, rung: Rung, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, lines(CHATS[:3]))
    read, hold, order = feedback_builds.read, pair_builds.hold_dataset, list[str]()

    def reading(*asked: Any) -> Any:
        done = read(*asked)
        if not order:
            ingested(client, dataset, lines(CHATS[3:]), filename="later.jsonl")
        order.append("read")
        return done

    def holding(*asked: Any) -> None:
        order.append("hold")
        hold(*asked)

    monkeypatch.setattr(feedback_builds, "read", reading)
    monkeypatch.setattr(pair_builds, "hold_dataset", holding)
    assert built(client, dataset, "wildfeedback")["report"]["added"] == 2
    assert order == ["read", "hold", "read", "hold"]
