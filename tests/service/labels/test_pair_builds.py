import uuid

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.auth import create_key
from service.labels import judgments
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.pairs import Pair
from tests.service.intake.uploading import ingested, new_dataset, trl
from tests.service.labels.pair_building import ask, built, pairs_of, rating_lines, texts
from tests.workers.subsets import add_subset

Rung = list[tuple[str, str]]
SCORES = {"p": {"a": 4, "b": 2, "c": 4, "d": 1}, "q": {"a": 3, "b": 3}, "s": {"a": 5}}


@pytest.fixture
def dataset(client: TestClient, rung: Rung) -> str:
    """Ratings of one prompt lie on many lines of two uploads."""
    dataset = new_dataset(client)
    head = {"p": {"a": 4, "b": 2}, "q": {"a": 3}, "s": {"a": 5}}
    tail = {"p": {"c": 4, "d": 1}, "q": {"b": 3}}
    for part in (head, tail):
        assert ingested(client, dataset, rating_lines(part))["pairs"] == 0
    return dataset


def test_a_preview_says_what_would_be_built_and_writes_nothing(
    client: TestClient, session: Session, dataset: str, rung: Rung
) -> None:
    rung.clear()
    answer = ask(client, dataset, {"kind": "all_pairs", "min_gap": 2}, preview=True)
    assert answer.status_code == 200, answer.text
    found = answer.json()["report"]
    assert (found["prompts"], found["prompts_paired"], found["pairs"]) == (3, 1, 4)
    assert (found["ties"], found["complete"]) == (2, True)
    assert found["skipped"] == {"below_min_gap": 1, "too_few_rated": 1}
    assert [(bin["low"], bin["pairs"]) for bin in found["margins"]] == [(2, 2), (3, 2)]
    assert found["lengths"]["chosen"] == [{"low": 2, "high": 4, "pairs": 4}]
    assert len(found["examples"]) == 1
    assert found["examples"][0]["prompt"] == [{"role": "user", "content": "p"}]
    assert session.scalar(select(func.count()).select_from(Pair)) == 0
    assert rung == []
    assert client.get(f"/api/v1/datasets/{dataset}/pair-builds").json()["items"] == []


def test_rows_of_one_prompt_are_put_together_over_lines_and_uploads(
    client: TestClient, dataset: str
) -> None:
    done = built(client, dataset, {"kind": "all_pairs", "min_gap": 2})
    assert (done["state"], done["pairs"], done["report"]["added"]) == ("ready", 4, 4)
    assert done["job"]["result"]["pairs"] == 4
    pairs = pairs_of(client, dataset)
    assert texts(pairs) == {("p a", "p b"), ("p a", "p d"), ("p c", "p b"), ("p c", "p d")}
    assert {pair["margin"] for pair in pairs} == {2, 3}
    assert {pair["build_id"] for pair in pairs} == {done["id"]}
    assert {(pair["chosen"]["model"], pair["votes"]) for pair in pairs} == {("a", 1), ("c", 1)}


def test_the_same_policy_over_the_same_labels_is_the_first_build(
    client: TestClient, dataset: str
) -> None:
    first = built(client, dataset, "best_vs_worst")
    again = ask(client, dataset, {"kind": "best_vs_worst", "id": "other_name", "title": "Mine"})
    assert (again.status_code, again.json()["build"]["id"]) == (200, first["id"])
    assert len(pairs_of(client, dataset)) == 1


def test_more_labels_make_a_new_build_that_takes_over_what_still_follows(
    client: TestClient, dataset: str
) -> None:
    first = built(client, dataset, "curry")
    before = {pair["id"] for pair in pairs_of(client, dataset)}
    assert (first["pairs"], first["report"]["stages"]) == (2, {"1": 1, "2": 1})
    ingested(client, dataset, rating_lines({"q": {"c": 7}}))
    second = built(client, dataset, "curry")
    assert second["id"] != first["id"]
    assert (second["pairs"], second["report"]["added"]) == (4, 2)
    assert second["report"]["already_there"] == 2
    old = client.get(f"/api/v1/datasets/{dataset}/pair-builds/{first['id']}").json()
    assert old["pairs"] == 0
    assert before <= {pair["id"] for pair in pairs_of(client, dataset)}


def test_a_withdrawn_upload_takes_its_prompts_pairs_along_until_they_are_built_again(
    client: TestClient, dataset: str
) -> None:
    first = built(client, dataset, "all_pairs")
    assert first["pairs"] == 5
    uploads = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"]
    last = f"/api/v1/uploads/{uploads[-1]['id']}"
    assert client.post(f"{last}/withdraw").status_code == 200
    assert pairs_of(client, dataset) == []
    assert built(client, dataset, "all_pairs")["pairs"] == 1
    assert client.post(f"{last}/restore").status_code == 200
    again = built(client, dataset, "all_pairs")
    assert (again["pairs"], again["report"]["already_there"]) == (5, 1)


def test_a_rebuilt_policy_gives_the_same_pair_ids(client: TestClient, dataset: str) -> None:
    first = built(client, dataset, "all_pairs")
    before = pairs_of(client, dataset)
    path = f"/api/v1/datasets/{dataset}/pair-builds/{first['id']}"
    assert client.delete(path).status_code == 204
    assert pairs_of(client, dataset) == []
    assert client.get(path).status_code == 404
    second = built(client, dataset, "all_pairs")
    after = pairs_of(client, dataset)
    assert second["id"] != first["id"]
    assert [pair["id"] for pair in after] == [pair["id"] for pair in before]


def test_the_order_of_the_rows_and_of_the_uploads_changes_no_pair(
    client: TestClient, dataset: str
) -> None:
    other = new_dataset(client, "other")
    turned = {prompt: dict(reversed(given.items())) for prompt, given in reversed(SCORES.items())}
    ingested(client, other, rating_lines(turned))
    for policy in ("all_pairs", "best_vs_random"):
        for each in (dataset, other):
            built(client, each, policy)
        found = [{pair["id"] for pair in pairs_of(client, each)} for each in (dataset, other)]
        assert found[0] == found[1]


def test_policies_add_up_and_are_told_apart(client: TestClient, dataset: str) -> None:
    one = built(client, dataset, "best_vs_worst")
    two = built(client, dataset, "all_pairs")
    pairs = pairs_of(client, dataset)
    assert sorted({pair["build_id"] for pair in pairs}) == sorted([one["id"], two["id"]])
    assert len({pair["position"] for pair in pairs}) == len(pairs) == one["pairs"] + two["pairs"]
    listed = client.get(f"/api/v1/datasets/{dataset}/pair-builds?limit=1").json()
    assert [build["id"] for build in listed["items"]] == [one["id"]]
    cursor = listed["next_cursor"]
    rest = client.get(f"/api/v1/datasets/{dataset}/pair-builds?cursor={cursor}").json()["items"]
    assert [build["id"] for build in rest] == [two["id"]]


def test_a_build_can_not_be_deleted_while_a_subset_uses_its_pairs(
    client: TestClient, session: Session, dataset: str
) -> None:
    one, two = built(client, dataset, "all_pairs"), built(client, dataset, "best_vs_worst")
    subset = add_subset(session, session.get_one(Dataset, uuid.UUID(dataset)))
    session.commit()
    path = f"/api/v1/datasets/{dataset}/pair-builds/"
    for build in (one, two):
        refused = client.delete(path + build["id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "build_in_use")
        assert refused.json()["subsets"] == [str(subset.id)]
    session.delete(subset)
    session.commit()
    assert client.delete(path + one["id"]).status_code == 204


def test_a_running_build_is_not_deleted_and_is_not_started_twice(
    client: TestClient, dataset: str
) -> None:
    first, again = ask(client, dataset, "curry"), ask(client, dataset, "curry")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["job"]["id"] == again.json()["job"]["id"]
    path = f"/api/v1/datasets/{dataset}/pair-builds/{first.json()['build']['id']}"
    assert client.delete(path).json()["code"] == "build_running"


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("nothing", "known: all_pairs, best_by_score"),
        ("/etc/passwd.yaml", "there is no pair policy"),
        ({"kind": "magic"}, "there is no kind 'magic'; known: "),
        (
            {"kind": "curry", "by": {"label": "ratings", "x": 1}},
            '"detail":"body.policy.whole.curry.by.ratings.x: there is no such field"',
        ),
        ({"kind": "curry", "ties": "soft"}, "soft"),
        ({"kind": "all_pairs", "ties": "soft", "min_gap": 1}, "ties have no gap"),
        ({"kind": "all_pairs", "min_gap": -1}, "min_gap"),
        ({"kind": "all_pairs", "by": {"label": "ratings", "weights": {"x": 0}}}, "positive"),
        ({"kind": "all_pairs", "by": {"label": "votes"}}, "ratings"),
    ],
)
def test_a_wrong_policy_is_told_what_is_wrong(
    client: TestClient, dataset: str, policy: object, said: str
) -> None:
    answer = ask(client, dataset, policy)
    assert answer.status_code == 422
    assert said in answer.text


def test_without_a_policy_one_is_chosen_by_the_labels(client: TestClient, dataset: str) -> None:
    found = ask(client, dataset, preview=True).json()
    assert found["policy"]["id"] == "best_vs_worst"
    assert found["why"].startswith("the prompts have ratings, so pairs are built by best_vs_worst")
    empty = ask(client, new_dataset(client, "empty"))
    assert (empty.status_code, empty.json()["code"]) == (422, "no_labels")


def test_a_prompt_with_too_many_records_is_left_out_and_counted(
    client: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgments, "MAX_RECORDS", 3)
    report = ask(client, dataset, "all_pairs", preview=True).json()["report"]
    assert (report["pairs"], report["skipped"]["too_many_records"]) == (0, 1)


def test_small_batches_find_the_same_pairs(
    client: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ask(client, dataset, "all_pairs", preview=True).json()
    monkeypatch.setattr(judgments, "BATCH", 1)
    assert ask(client, dataset, "all_pairs", preview=True).json() == whole


def test_a_preview_of_a_part_says_so(client: TestClient, dataset: str) -> None:
    found = ask(client, dataset, "all_pairs", preview=True, preview_prompts=2).json()["report"]
    assert (found["prompts"], found["complete"]) == (2, False)


def test_another_tenant_finds_no_build(client: TestClient, session: Session, dataset: str) -> None:
    build = built(client, dataset, "all_pairs")
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    headers = {"Authorization": f"Bearer {create_key(session, other, 'other')}"}
    session.commit()
    path = f"/api/v1/datasets/{dataset}/pair-builds"
    for method, where in [("GET", path), ("POST", path), ("GET", f"{path}/{build['id']}"),
                          ("DELETE", f"{path}/{build['id']}")]:  # fmt: skip
        assert client.request(method, where, headers=headers, json={}).status_code == 404


def test_the_policies_are_listed_with_their_schemas(client: TestClient) -> None:
    found = client.get("/api/v1/policies").json()
    known = {line["id"]: line for line in found["policies"]}
    assert known["curry"]["paper"] == "2403.07230"
    assert {line["kind"] for line in found["policies"]} == {kind["kind"] for kind in found["kinds"]}


def test_an_upload_that_decides_nothing_leaves_its_comparisons_to_a_policy(
    client: TestClient, rung: Rung
) -> None:
    dataset = new_dataset(client)
    assert ingested(client, dataset, trl(5), decide="none")["pairs"] == 0
    assert pairs_of(client, dataset) == []
    found = ask(client, dataset, preview=True).json()
    assert (found["policy"]["id"], found["report"]["pairs"]) == ("majority", 5)
    assert built(client, dataset)["pairs"] == 5


def test_the_ingest_and_the_majority_policy_decide_the_same(client: TestClient, rung: Rung) -> None:
    dataset = new_dataset(client)
    assert ingested(client, dataset, trl(5))["pairs"] == 5
    done = built(client, dataset, "majority")
    pairs = pairs_of(client, dataset)
    own = [{**pair, "id": 0, "position": 0, "build_id": 0} for pair in pairs]
    mine = [pair for pair, of in zip(own, pairs, strict=True) if of["build_id"] == done["id"]]
    ingest = [pair for pair, of in zip(own, pairs, strict=True) if of["build_id"] is None]
    assert sorted(mine, key=str) == sorted(ingest, key=str)
    assert len(mine) == 5
