"""The report and the card of a relabelled export are of the labels that leave."""

from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.service.review.reviewing import decide, judged, queue, reviewable
from tests.service.review.test_exports import folder_of, rows_of
from tests.workers.test_replaying import selected

pytestmark = pytest.mark.usefixtures("rung")
OTHER = {"a": "b", "b": "a"}


def unequal(count: int) -> bytes:
    """The better answer is the longer one on every line."""
    rows = [orjson.loads(line) for line in judged(count).splitlines()]
    for row in rows:
        [better] = row["gold"]["better"]
        for response in row["responses"]:
            response["text"] += " and more" * (5 if response["id"] == better else 1)
    return b"\n".join(map(orjson.dumps, rows))


def measured(folder: Path) -> dict[str, float]:
    found = orjson.loads((folder / "manifest.json").read_bytes())["report"]["composition"]
    return {each["name"]: each["after"] for each in found}


def test_numbers_are_of_the_rows_that_leave(
    client: TestClient, session: Session, tmp_path: Path
) -> None:
    dataset = reviewable(client, "reported", unequal(24))
    items = [each for each in queue(client, dataset) if each["pair_id"]]
    for item in items[:6]:
        decide(client, dataset, item["id"], OTHER[item["label"]])
    decide(client, dataset, items[6]["id"], "both_bad")
    raw = folder_of(client, session, f"datasets/{dataset}", tmp_path / "raw")
    clean = folder_of(client, session, f"datasets/{dataset}", tmp_path / "clean", labels="denoised")
    rows = rows_of(clean)
    assert sum(row["flipped"] for row in rows) == 6
    told, before = measured(clean), measured(raw)
    chosen, rejected = (
        [len(row[side][-1]["content"]) for row in rows] for side in ("chosen", "rejected")
    )
    assert told["pairs"] == len(rows) == before["pairs"] - 1
    assert told["mean length of chosen, in characters"] == pytest.approx(fmean(chosen), rel=1e-5)
    assert told["mean length of rejected, in characters"] == pytest.approx(
        fmean(rejected), rel=1e-5
    )
    longer = fmean(one > other for one, other in zip(chosen, rejected, strict=True))
    assert told["chosen is the longer one"] == pytest.approx(longer, rel=1e-5)
    assert told["chosen is the longer one"] < before["chosen is the longer one"]
    for name in ("README.md", "report.html"):
        said = (clean / name).read_text()
        assert "denoised, version 7 of the verdicts. 1 × both bad, 6 × flip, " in said
        assert "all pairs, raw labels" in said
        assert "raw labels" not in (raw / name).read_text()
    assert "labels" not in orjson.loads((clean / "manifest.json").read_bytes())["report"]


def test_margins_are_turned_with_their_pairs(
    client: TestClient, session: Session, tmp_path: Path
) -> None:
    dataset = reviewable(client, "turned", unequal(60))
    items = [each for each in queue(client, dataset) if each["pair_id"]]
    for item in items[:10]:
        decide(client, dataset, item["id"], OTHER[item["label"]])
    recipe: dict[str, Any] = {
        "id": "margins", "version": 1, "title": "Margins", "budget": "100%",
        "signals": {"margins": {"kind": "reward_margin", "heads": ["style"]}},
        "terms": {"margin": "margins.margin_mean"},
        "selector": {"kind": "top", "term": "margin", "first": "highest"},
    }  # fmt: skip
    subset = selected(client, dataset, recipe=recipe, budget="100%")
    clean = folder_of(client, session, f"subsets/{subset}", tmp_path, labels="denoised")
    rows = rows_of(clean)
    column = next(name for name in rows[0] if name.endswith("margin_mean"))
    signed = [-row[column] if row["flipped"] else row[column] for row in rows]
    told = orjson.loads((clean / "manifest.json").read_bytes())["report"]["margins"]
    edges = np.array(told["edges"])
    assert sum(row["flipped"] for row in rows) == 10
    assert np.abs(np.histogram(signed, edges)[0] - told["kept"]).sum() <= 2  # edges are rounded
    assert edges[0] == pytest.approx(min(signed), rel=1e-4)
    page = (clean / "report.html").read_text()
    shown = 0
    for row in rows:
        chosen, rejected = (f"{row[side][-1]['content']}<" for side in ("chosen", "rejected"))
        if chosen in page:
            shown += 1
            assert page.index(chosen) < page.index(rejected)
    assert shown >= 5
