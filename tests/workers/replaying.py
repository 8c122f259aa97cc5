"""Exports over REST with their jobs run at once, and the same once more from their manifest."""

import uuid
from pathlib import Path
from typing import Any

import orjson
from fastapi.testclient import TestClient

from service.composing.lineage import from_wish
from service.export import manifest
from tests.service.export.exporting import exported
from workers.protocol import run_job
from workers.tasks import HANDLERS


def asked(client: TestClient, path: str, body: Any = None) -> dict[str, Any]:
    """The answer of a POST once its job, if it has one, has run."""
    answer = client.post(f"/api/v1{path}", json={} if body is None else body)
    assert answer.status_code < 300, answer.text
    made = answer.json()
    if made.get("job"):
        run_job(uuid.UUID(made["job"]["id"]), ("cpu",), HANDLERS)
    return made


def uploaded(client: TestClient, name: str, *rows: list[dict[str, Any]]) -> str:
    """A dataset of these files, as "datasets/ID"."""
    owner = f"datasets/{asked(client, '/datasets', {'name': name})['id']}"
    for each in rows:
        grown(client, owner, each)
    return owner


def grown(client: TestClient, owner: str, rows: list[dict[str, Any]]) -> None:
    """One more file for a dataset."""
    content = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    made = client.post(f"/api/v1/{owner}/uploads?filename=x.jsonl", content=content).json()
    run_job(uuid.UUID(made["job"]["id"]), ("cpu",), HANDLERS)
    found = client.get(f"/api/v1/uploads/{made['upload']['id']}").json()
    assert (found["state"], found["rejected"]) == ("ingested", 0)


def selected(client: TestClient, owner: str, **wanted: Any) -> str:
    """A subset of a dataset, as "subsets/ID"."""
    body = {"recipe": "random", "budget": "100%", **wanted}
    return f"subsets/{asked(client, f'/{owner}/subsets', body)['subset']['id']}"


def described(client: TestClient, owner: str, out: Path, **wanted: Any) -> dict[str, Any]:
    """The manifest of a new export, which is unpacked at `out`."""
    found = exported(client, owner, out, **wanted)
    assert found["state"] == "ready", found["job"]["error"]
    return manifest.load(out)


def composed(client: TestClient, dataset: str, body: dict[str, Any]) -> str:
    """The id of a subset that a plan asks for, after those it is put together of."""

    def made(wish: Any, parents: list[str]) -> str:
        path, sent = f"{dataset}/subsets", wish
        if "operation" in wish:
            path = "/subsets/combine"
            sent = {wish["operation"]: parents, "tags": wish.get("tags", [])}
        return asked(client, path, sent)["subset"]["id"]

    return from_wish(body, made)


def replayed(client: TestClient, said: dict[str, Any], dataset: str | None = None) -> Any:
    """What the plan and the comparison name, as (what, name) -> message; {} for the same bytes."""
    name = dataset and dataset.removeprefix("datasets/")
    plan = asked(client, "/exports/replay", {"manifest": said, "dataset": name})
    changes = [*plan["changes"]]
    if plan["dataset_id"] is not None:
        place = f"/datasets/{plan['dataset_id']}"
        if plan["subset"]:
            place = f"/subsets/{composed(client, place, plan['subset'])}"
        export = asked(client, f"{place}/exports", plan["export"])["export"]["id"]
        made = asked(client, f"/exports/{export}/compare", {"manifest": said})
        assert made["same"] == (not made["changes"])
        changes += made["changes"]
    return {(each["what"], each["name"]): each["message"] for each in changes}
