"""Replays and diffs over REST, on subsets and exports that real jobs made."""

import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service import files
from service.diff import subsets
from service.export.manifest import dump
from service.tables.subsets import Export
from workers.protocol import run_job
from workers.tasks import HANDLERS

pytestmark = pytest.mark.usefixtures("rung")
RANDOM = {"recipe": "random", "budget": "40"}


def lines(count: int, turned: int = 0, said: str = "Question") -> bytes:
    """Comparisons; of the first `turned` the other answer is the better one."""
    rows: list[dict[str, Any]] = []
    for i in range(count):
        texts = [f"A long answer number {i} that helps", f"No {i}"]
        better, worse = texts[::-1] if i < turned else texts
        rows.append({"prompt": f"{said} {i} about {i * i}?", "chosen": better, "rejected": worse})
    return b"\n".join(map(orjson.dumps, rows))


def run(job: dict[str, Any]) -> None:
    run_job(uuid.UUID(job["id"]), ("cpu",), HANDLERS)


def asked(client: TestClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = client.post(f"/api/v1{path}", json={} if body is None else body)
    assert answer.status_code < 300, answer.text
    made = answer.json()
    if "job" in made:
        run(made["job"])
    return made


def uploaded(client: TestClient, name: str, *contents: bytes) -> str:
    dataset = asked(client, "/datasets", {"name": name})["id"]
    for content in contents:
        made = client.post(f"/api/v1/datasets/{dataset}/uploads?filename=x.jsonl", content=content)
        run(made.json()["job"])
    return dataset


def selected(client: TestClient, dataset: str, seed: int = 0, **wanted: Any) -> str:
    body = {**RANDOM, "seed": seed, **wanted}
    return asked(client, f"/datasets/{dataset}/subsets", body)["subset"]["id"]


def exported(client: TestClient, session: Session, place: str, **wanted: Any) -> dict[str, Any]:
    """The manifest of a new export."""
    made = asked(client, f"/{place}/exports", wanted)["export"]["id"]
    found = session.get_one(Export, uuid.UUID(made), populate_existing=True)
    assert found.state == "ready"
    with files.open((found.files or {})["manifest.json"]["key"]) as file:
        return orjson.loads(file.read())


def replayed(client: TestClient, manifest: dict[str, Any], dataset: Any = None) -> dict[str, Any]:
    plan = asked(client, "/exports/replay", {"manifest": manifest, "dataset": dataset})
    assert plan["dataset_id"], plan
    place = f"/datasets/{plan['dataset_id']}"
    if plan["subset"]:
        place = f"/subsets/{asked(client, f'{place}/subsets', plan['subset'])['subset']['id']}"
    export = asked(client, f"{place}/exports", plan["export"])["export"]["id"]
    return asked(client, f"/exports/{export}/compare", {"manifest": manifest})


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"test_fraction": 0.3, "split_by": ["prompt"], "split_seed": 9},
        {"layout": "trl_preference", "max_length": 900, "resample": True},
        {"layout": "llamafactory", "test_fraction": 0.2},
    ],
)
def test_an_export_is_made_again_byte_for_byte(
    client: TestClient, session: Session, wanted: dict[str, Any]
) -> None:
    dataset = uploaded(client, "mine", lines(60))
    manifest = exported(client, session, f"subsets/{selected(client, dataset, 3)}", **wanted)
    assert replayed(client, manifest) == {"same": True, "changes": []}
    assert replayed(client, manifest, "mine")["same"]
    twin = uploaded(client, "twin", lines(60))
    assert replayed(client, manifest, twin)["same"]


def test_a_whole_datasets_export_is_made_again(client: TestClient, session: Session) -> None:
    dataset = uploaded(client, "mine", lines(30))
    manifest = exported(
        client, session, f"datasets/{dataset}", where="chosen.length > 20", test_fraction=0.2
    )
    assert replayed(client, manifest) == {"same": True, "changes": []}


def test_each_change_is_named_by_its_cause(client: TestClient, session: Session) -> None:
    dataset = uploaded(client, "mine", lines(60))
    manifest = exported(client, session, f"subsets/{selected(client, dataset)}")
    once = {**manifest, "versions": {**manifest["versions"], "pyarrow": "0.1"}}
    plan = asked(client, "/exports/replay", {"manifest": once})
    assert [(each["what"], each["name"]) for each in plan["changes"]] == [("version", "pyarrow")]
    found = replayed(client, {**once, "seed": 4, "budget": "30"})
    assert not found["same"]
    causes = {each["what"] for each in found["changes"]}
    assert {"version", "seed", "options", "pairs", "file"} <= causes
    changed = {each["name"] for each in found["changes"] if each["what"] == "file"}
    assert any(name.startswith("data/train") for name in changed)
    altered = orjson.loads(dump(manifest))
    altered["recipe"]["title"] = "Another"
    assert "recipe" in {each["what"] for each in replayed(client, altered)["changes"]}


def test_inputs_that_were_withdrawn_erased_or_added_are_named(
    client: TestClient, session: Session
) -> None:
    dataset = uploaded(client, "mine", lines(30), lines(30, said="Riddle"))
    manifest = exported(client, session, f"subsets/{selected(client, dataset)}")
    uploads = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"]
    second = uploads[1]["id"]

    def said() -> str:
        plan = asked(client, "/exports/replay", {"manifest": manifest})
        assert plan["dataset_id"] is None
        assert {each["what"] for each in plan["changes"]} == {"inputs"}
        return " ".join(each["message"] for each in plan["changes"])

    asked(client, f"/uploads/{second}/withdraw")
    assert "is withdrawn in mine" in said()
    asked(client, f"/uploads/{second}/restore")
    assert replayed(client, manifest)["same"]
    asked(client, f"/datasets/{dataset}/erasures", {"upload_id": second})
    erased = client.get(f"/api/v1/datasets/{dataset}/erasures").json()["items"]
    if erased[0]["state"] != "done":
        run({"id": erased[0]["job_id"]})
    assert "is not in mine: 1 uploads of mine were erased" in said()
    none = {**manifest, "uploads": [{**manifest["uploads"][0], "sha256": "0" * 64}]}
    plan = asked(client, "/exports/replay", {"manifest": none})
    assert plan["changes"][0]["message"] == "no dataset has any of the manifest's files"


def test_what_is_no_manifest_is_refused(client: TestClient) -> None:
    for manifest in ({}, {"format": 1, "layout": "huggingface"}):
        answer = client.post("/api/v1/exports/replay", json={"manifest": manifest})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_manifest")


def test_planted_differences_of_two_subsets_are_counted_and_mirrored(
    client: TestClient, session: Session
) -> None:
    """B's dataset lacks the last 3 of A's 40 pairs, has 2 others, and 5 the other way round."""
    a = selected(client, uploaded(client, "a", lines(40)), budget="100%")
    other = lines(37, turned=5) + b"\n" + lines(2, said="Riddle")
    b = selected(client, uploaded(client, "b", other), budget="100%")
    found = client.get(f"/api/v1/subsets/{a}/diff/{b}").json()
    counts = {name: found[name] for name in ("kept", "added", "removed", "flipped", "rescored")}
    assert counts == {"kept": 32, "added": 2, "removed": 3, "flipped": 5, "rescored": 0}
    back = client.get(f"/api/v1/subsets/{b}/diff/{a}").json()
    assert (back["added_pairs"], back["removed_pairs"]) == (
        found["removed_pairs"], found["added_pairs"],
    )  # fmt: skip
    assert [each[::-1] for each in back["flipped_pairs"]] == found["flipped_pairs"]
    assert [each["ks"] for each in back["numbers"]] == [each["ks"] for each in found["numbers"]]
    itself = client.get(f"/api/v1/subsets/{a}/diff/{a}").json()
    assert itself["same"]
    assert itself["kept"] == 40
    assert client.get(f"/api/v1/subsets/{a}/diff/{uuid.uuid4()}").status_code == 404


def test_a_subset_says_how_many_of_its_pairs_are_gone(client: TestClient, session: Session) -> None:
    dataset = uploaded(client, "mine", lines(30), lines(10, said="Riddle"))
    subset = selected(client, dataset, budget="100%")
    upload = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"][1]["id"]
    asked(client, f"/uploads/{upload}/withdraw")
    found = client.get(f"/api/v1/subsets/{subset}/diff/{subset}").json()
    assert (found["a"]["gone"], found["a"]["pairs"]) == (10, 30)


def test_a_request_compares_so_many_pairs_at_most(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    subset = selected(client, uploaded(client, "mine", lines(12)), budget="100%")
    assert client.get(f"/api/v1/subsets/{subset}/diff/{subset}").json()["same"]
    monkeypatch.setattr(subsets, "MOST_PAIRS", 11)
    answer = client.get(f"/api/v1/subsets/{subset}/diff/{subset}")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_pairs")
    assert "compare the folders with `prefsift diff`" in answer.json()["detail"]
