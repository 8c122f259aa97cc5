"""The review loop over HTTP: an ordered queue, verdicts that count at once, and their undoing."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.auth import create_key
from service.review import current
from service.tables.access import Workspace
from tests.service.review.reviewing import audited, decide, got, judged, queue, reviewable
from tests.workers.test_replaying import asked, lines, uploaded

pytestmark = pytest.mark.usefixtures("rung")


def labels_in(session: Session) -> list[Any]:
    """All that annotators said."""
    query = "SELECT line, ordinal, a, b, outcome, annotator_id FROM comparisons ORDER BY 1, 2"
    return list(session.execute(text(query)).all())


def test_the_queue_is_ordered_by_information_and_shows_all_that_is_known(
    client: TestClient,
) -> None:
    dataset = reviewable(client, "queue", judged(24, ties=2))
    found = queue(client, dataset)
    worth = [each["information"] for each in found]
    assert worth == sorted(worth, reverse=True)
    assert len({each["id"] for each in found}) == len(found) == 24
    pairs = {each["id"]: each for each in got(client, f"/datasets/{dataset}/pairs")["items"]}
    for each in found:
        said = [label["says"] for label in each["labels"]]
        assert [label["annotator"] for label in each["labels"]] == ["ada", "bo", "cy", "di"]
        assert 0 <= each["p_a_better"] <= 1
        if each["label"] == "tie":
            assert (each["pair_id"], each["p_correct"], said.count("a")) == (None, None, 2)
            continue
        right = each["p_a_better"] if each["label"] == "a" else 1 - each["p_a_better"]
        assert each["p_correct"] == pytest.approx(right)
        pair = pairs[each["pair_id"]]
        chosen, rejected = ("a", "b") if each["label"] == "a" else ("b", "a")
        assert (pair["chosen"]["id"], pair["rejected"]["id"]) == (
            each[chosen]["id"], each[rejected]["id"]
        )  # fmt: skip
        assert each["a"]["text"].startswith("Answer a to Question")
        assert "4 labels so far" in each["why"]


def test_pages_of_a_queue_are_of_one_version(client: TestClient) -> None:
    dataset = reviewable(client, "pages")
    whole = [each["id"] for each in queue(client, dataset)]
    first = got(client, f"/datasets/{dataset}/review", limit=9)
    assert (first["open"], first["version"]) == (24, 0)
    decide(client, dataset, whole[12], "a")
    cursor = first["next_cursor"]
    second = got(client, f"/datasets/{dataset}/review", limit=9, cursor=cursor)
    assert second["version"] == 0
    assert [each["id"] for each in first["items"] + second["items"]] == whole[:18]
    assert got(client, f"/datasets/{dataset}/review")["open"] == 23


def test_a_verdict_counts_in_the_next_read_and_changes_no_label(
    client: TestClient, session: Session
) -> None:
    dataset = reviewable(client, "verdict")
    before = labels_in(session)
    pairs = got(client, f"/datasets/{dataset}/pairs")
    first = queue(client, dataset)[0]
    other = "b" if first["p_a_better"] > 0.5 else "a"
    made = decide(client, dataset, first["id"], other, reason="the other one is made up")
    assert made["verdict"]["version"] == 1
    assert made["verdict"]["said"] == other
    assert made["item"]["p_a_better"] == (1.0 if other == "a" else 0.0)
    assert made["moved"] >= 1
    left = queue(client, dataset)
    assert first["id"] not in {each["id"] for each in left}
    again = got(client, f"/datasets/{dataset}/review/{first['id']}")
    assert again == made["item"]
    assert again["verdicts"][0]["reason"] == "the other one is made up"
    assert labels_in(session) == before
    assert got(client, f"/datasets/{dataset}/pairs") == pairs


def test_five_verdicts_say_whom_to_believe(client: TestClient) -> None:
    """The other posteriors move: verdicts are anchors."""
    dataset = reviewable(client, "anchors")
    before = {each["id"]: each["p_a_better"] for each in queue(client, dataset)}
    made: dict[str, Any] = {}
    for item in list(before)[:5]:
        source = got(client, f"/datasets/{dataset}/review/{item}")["source"]
        made = decide(client, dataset, item, "ab"[(source["line"] - 1) % 2])
    assert made["moved"] > 5
    after = {each["id"]: each["p_a_better"] for each in queue(client, dataset)}
    assert sum(before[id] != p for id, p in after.items()) > 10


@pytest.mark.parametrize("large", [5000, 0])
def test_an_undone_verdict_leaves_everything_as_it_was_and_stays_in_the_history(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    """Also where the set is too large for one request to judge all of it again."""
    monkeypatch.setattr(current, "LARGE", large)
    dataset = reviewable(client, f"undo {large}")
    before = queue(client, dataset)
    decide(client, dataset, before[0]["id"], "tie")
    decide(client, dataset, before[1]["id"], "both_bad", author="dan")
    asked(client, f"/datasets/{dataset}/verdicts/1/undo", {"author": "eve", "reason": "slipped"})
    made = asked(client, f"/datasets/{dataset}/verdicts/2/undo", {"author": "eve"})
    assert made["moved"] >= 1
    assert queue(client, dataset) == before
    history = got(client, f"/datasets/{dataset}/verdicts")["items"]
    assert [(each["version"], each["said"], each["undoes"]) for each in history] == [
        (1, "tie", None), (2, "both_bad", None), (3, None, 1), (4, None, 2),
    ]  # fmt: skip
    assert [each["author"] for each in history] == ["eve", "dan", "eve", "eve"]
    again = client.post(f"/api/v1/datasets/{dataset}/verdicts/1/undo", json={"author": "eve"})
    assert (again.status_code, again.json()["code"]) == (409, "not_in_force")


def test_of_one_author_the_last_word_counts_and_where_two_differ_it_is_open_again(
    client: TestClient,
) -> None:
    dataset = reviewable(client, "words")
    item = queue(client, dataset)[3]["id"]
    decide(client, dataset, item, "a")
    assert decide(client, dataset, item, "b")["item"]["p_a_better"] == 0
    assert decide(client, dataset, item, "tie")["item"]["p_a_better"] == 0.5
    decide(client, dataset, item, "b", author="dan")
    assert item in {each["id"] for each in queue(client, dataset)}


def test_a_verdict_holds_for_the_next_audit_and_wherever_the_question_is_asked(
    client: TestClient,
) -> None:
    """The same two answers to the same prompt on other lines are decided, too."""
    dataset = reviewable(client, "again", judged(20), judged(20, seed=1))
    found = queue(client, dataset)
    asked_twice = [each for each in found if each["prompt"] == found[0]["prompt"]]
    assert len(asked_twice) == 2
    decide(client, dataset, asked_twice[0]["id"], "b")
    for _ in range(2):
        twin = got(client, f"/datasets/{dataset}/review/{asked_twice[1]['id']}")
        assert twin["p_a_better"] == 0
        assert len(queue(client, dataset)) == 38
        audited(client, dataset, seed=1)


def test_a_pair_can_be_named_by_the_id_that_the_dataset_calls_it(client: TestClient) -> None:
    dataset = reviewable(client, "named", lines(20))
    pair = got(client, f"/datasets/{dataset}/pairs")["items"][4]
    made = decide(client, dataset, pair["id"], "b")
    assert made["item"]["pair_id"] == pair["id"]
    assert made["item"]["b"]["text"] == pair["rejected"]["text"]


@pytest.mark.parametrize(
    "body", [{}, {"verdict": "c", "author": "eve"}, {"verdict": "a", "author": ""}]
)
def test_what_is_no_verdict_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    dataset = uploaded(client, "refused", lines(3))
    path = f"/api/v1/datasets/{dataset}/review/{uuid.uuid4()}/verdicts"
    assert client.post(path, json=body).status_code == 422


def test_without_an_audit_there_is_nothing_to_review(client: TestClient) -> None:
    dataset = uploaded(client, "none", lines(3))
    assert got(client, f"/datasets/{dataset}/review", 409)["code"] == "no_audit"
    audited(client, dataset)
    found = got(client, f"/datasets/{dataset}/review")
    assert found["open"] == 3
    path = f"/api/v1/datasets/{dataset}/review/{uuid.uuid4()}/verdicts"
    assert client.post(path, json={"verdict": "a", "author": "eve"}).status_code == 404


def test_a_stranger_sees_and_decides_nothing(client: TestClient, session: Session) -> None:
    dataset = reviewable(client, "strange", judged(20))
    item = queue(client, dataset)[0]["id"]
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    stranger = {"Authorization": f"Bearer {create_key(session, other, 'other')}"}
    session.commit()
    for path in ("review", f"review/{item}", "verdicts"):
        answer = client.get(f"/api/v1/datasets/{dataset}/{path}", headers=stranger)
        assert answer.status_code == 404
    path, body = f"/api/v1/datasets/{dataset}/review/{item}/verdicts", {"verdict": "a"}
    answer = client.post(path, json=body | {"author": "eve"}, headers=stranger)
    assert answer.status_code == 404


def test_verdicts_leave_with_the_upload_that_they_are_about(
    client: TestClient, session: Session
) -> None:
    dataset = reviewable(client, "leaving", judged(20), judged(20, seed=2, asks="Other"))
    found = queue(client, dataset)
    uploads = got(client, f"/datasets/{dataset}/uploads")["items"]
    first, second = (
        next(item for item in found if item["source"]["upload_id"] == upload["id"])
        for upload in uploads
    )
    decide(client, dataset, first["id"], "a", reason="quotes what it says")
    decide(client, dataset, second["id"], "a")
    asked(client, f"/datasets/{dataset}/verdicts/1/undo", {"author": "eve", "reason": "quotes"})
    asked(client, f"/datasets/{dataset}/erasures", {"upload_id": uploads[0]["id"]})
    [done] = got(client, f"/datasets/{dataset}/erasures")["items"]
    assert done["erased"]["verdicts"] == 2
    one, two, three = got(client, f"/datasets/{dataset}/verdicts")["items"]
    assert (one["erased"], one["said"], one["author"], one["reason"]) == (True, None, None, None)
    assert (two["erased"], two["said"]) == (False, "a")
    assert (three["erased"], three["undoes"], three["reason"]) == (True, 1, None)
    assert got(client, f"/datasets/{dataset}/review", 409)["code"] == "audit_erased"
    audited(client, dataset)
    assert got(client, f"/datasets/{dataset}/review")["open"] == 19
    assert decide(client, dataset, queue(client, dataset)[0]["id"], "b")["verdict"]["version"] == 4


def test_an_annotator_that_is_erased_takes_the_verdicts_with_it_that_it_signed(
    client: TestClient,
) -> None:
    dataset = reviewable(client, "signed", judged(20))
    one, two = queue(client, dataset)[:2]
    decide(client, dataset, one["id"], "a", author="ada", reason="I said so before")
    decide(client, dataset, two["id"], "a")
    asked(client, f"/datasets/{dataset}/erasures", {"annotator": {"name": "ada"}})
    found = got(client, f"/datasets/{dataset}/verdicts")["items"]
    assert [(each["erased"], each["author"]) for each in found] == [(True, None), (False, "eve")]
    audited(client, dataset)
    assert len(queue(client, dataset)) == 19


def test_pairs_of_a_withdrawn_upload_wait_for_its_return(client: TestClient) -> None:
    dataset = reviewable(client, "withdrawn", judged(20), judged(20, seed=2, asks="Other"))
    upload = got(client, f"/datasets/{dataset}/uploads")["items"][0]["id"]
    asked(client, f"/uploads/{upload}/withdraw")
    assert len(queue(client, dataset)) == 20
    asked(client, f"/uploads/{upload}/restore")
    assert len(queue(client, dataset)) == 40
