"""Subsets out of other subsets, what of them changes, and all of it once more from manifests."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service import files
from service.composing.combining import unsaid
from service.selection import SubsetManifest
from service.tables.subsets import Export
from tests.workers.composing import TOP, combined, ids, made, rows
from tests.workers.replaying import asked, described, replayed, uploaded

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def owner(client: TestClient) -> str:
    return uploaded(client, "mine", rows(40))


def test_subsets_are_put_together_as_sets_in_the_order_of_the_first(
    client: TestClient, owner: str
) -> None:
    a, b, c = (made(client, owner, seed=seed) for seed in range(3))
    first, second, third = (ids(client, each) for each in (a, b, c))
    union = combined(client, union=[a["id"], b["id"]], tags=["both"])
    assert ids(client, union) == first + [each for each in second if each not in first]
    minus = combined(client, minus=[a["id"], b["id"], c["id"]])
    assert ids(client, minus) == [x for x in first if x not in second and x not in third]
    both = combined(client, intersect=[b["id"], a["id"]])
    assert ids(client, both) == [each for each in second if each in first]
    assert len(ids(client, union)) == len(ids(client, both)) + len(set(first) ^ set(second))
    assert union["tags"] == ["both"]
    assert [each["id"] for each in union["manifest"]["parents"]] == [a["id"], b["id"]]
    assert sum(minus["manifest"]["reasons"].values()) == minus["pool"] == 40
    assert minus["manifest"]["reasons"]["subtracted"] == len(first) - len(ids(client, minus))
    nested = combined(client, minus=[union["id"], both["id"]])
    assert set(ids(client, nested)) == set(first) ^ set(second)
    answer = client.post(f"/api/v1/subsets/{union['id']}/evaluate", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_recipe")


def test_scores_of_both_parents_are_in_an_export_of_their_union(
    client: TestClient, owner: str
) -> None:
    other = {**TOP, "signals": {"form": {"kind": "style"}, "near": {"kind": "style"}}}
    a, b = made(client, owner, recipe=TOP), made(client, owner, recipe=other)
    union = combined(client, union=[a["id"], b["id"]])
    names = [list(use["columns"].values()) for use in union["manifest"]["signals"]]
    assert len(names) == 1  # the same scores, whatever a recipe calls them
    assert "length_log_ratio" in names[0]


def test_only_tags_change_and_a_subset_in_use_stays(client: TestClient, owner: str) -> None:
    a, b = made(client, owner, seed=1), made(client, owner, seed=2)
    answer = client.patch(f"/api/v1/subsets/{a['id']}", json={"tags": ["kept"]})
    assert answer.json() == {**a, "tags": ["kept"]}
    for body in ({"seed": 4}, {"tags": ["<b>"]}, {"tags": ["x"], "recipe": "fifa"}, {}):
        assert client.patch(f"/api/v1/subsets/{a['id']}", json=body).status_code == 422
    union = combined(client, union=[a["id"], b["id"]])
    waiting = client.post(f"/api/v1/subsets/{b['id']}/exports", json={}).json()["job"]["id"]
    answer = client.delete(f"/api/v1/subsets/{b['id']}")
    assert (answer.status_code, answer.json()["jobs"]) == (409, [waiting])
    assert client.delete(f"/api/v1/subsets/{a['id']}").status_code == 204
    assert client.get(f"/api/v1/subsets/{a['id']}").status_code == 404
    assert len(ids(client, union)) == union["size"]
    asking = client.post("/api/v1/subsets/combine", json={"union": [b["id"], union["id"]]})
    assert asking.status_code == 202


def test_a_subset_leaves_with_the_files_of_its_exports(
    client: TestClient, owner: str, session: Session
) -> None:
    a, b = made(client, owner, seed=1), made(client, owner, seed=2)
    compared = client.post(f"/api/v1/subsets/{b['id']}/evaluate", json={"against": [a["id"]]})
    answer = client.delete(f"/api/v1/subsets/{a['id']}")
    assert (answer.status_code, answer.json()["jobs"]) == (409, [compared.json()["id"]])
    assert client.post(f"/api/v1/jobs/{compared.json()['id']}/cancel").status_code == 200
    keys = [stored(client, session, each) for each in (a, b)]
    assert client.delete(f"/api/v1/subsets/{a['id']}").status_code == 204
    assert {key for key in keys[0] if files.exists(key)} == keys[0] & keys[1]
    assert keys[0] - keys[1]
    assert all(map(files.exists, keys[1]))


def stored(client: TestClient, session: Session, subset: dict[str, Any]) -> set[str]:
    """The keys of the files of a new export."""
    id = asked(client, f"/subsets/{subset['id']}/exports")["export"]["id"]
    export = session.get_one(Export, uuid.UUID(id), populate_existing=True)
    return {each["key"] for each in (export.files or {}).values()}


def test_sets_of_strangers_and_of_nothing_are_refused(client: TestClient, owner: str) -> None:
    a = made(client, owner)["id"]
    other = made(client, uploaded(client, "other", rows(5)))["id"]
    for body, status in [
        ({"union": [a]}, 422), ({"union": [a, a]}, 422), ({}, 422), ({"union": [a, other]}, 422),
        ({"union": [a, other], "minus": [a, other]}, 422),
        ({"union": [a, str(uuid.uuid4())]}, 404),
    ]:  # fmt: skip
        assert client.post("/api/v1/subsets/combine", json=body).status_code == status, body


def test_what_was_composed_is_made_again_from_its_manifest(
    client: TestClient, owner: str, tmp_path: Path
) -> None:
    """Also in a dataset of the same file that has none of it: the same ids, the same bytes."""
    odd = made(
        client, owner, recipe=TOP, where="metadata.kind = 'odd'", budget="300 tokens",
        policy="majority", tags=["odd"], seeds=[2, 0],
    )  # fmt: skip
    others = made(client, owner, recipe="random", seed=5)
    union = combined(client, union=[odd["id"], others["id"]], tags=["all of it"])
    nested = combined(client, minus=[union["id"], others["id"]])
    twin = uploaded(client, "twin", rows(40))
    asked(client, f"/{twin}/pair-builds", {"policy": "majority"})
    for subset in (odd, nested, union):
        out = tmp_path / subset["id"]
        said = described(client, f"subsets/{subset['id']}", out)
        assert said["replay"].get("subset", {}).get("tags", []) == subset["tags"]
        assert replayed(client, said, owner) == {}
        assert replayed(client, said, twin) == {}
    changed = {**said, "recipe": {**said["recipe"], "of": said["recipe"]["of"][::-1]}}
    assert ("recipe", "recipe_sha256") in replayed(client, changed, twin)


def test_columns_of_a_parents_recipe_that_a_set_lacks_are_said() -> None:
    columns = ({"weight": "list_weight", "soft_label": "p_correct"}, {"weight": "udm"})
    parents = [SubsetManifest.model_construct(outputs=each) for each in columns]
    assert [said.split(":")[0] for said in unsaid(parents)] == ["soft_label", "weight"]
    assert unsaid([]) == []
