"""The main job over REST, from Python: upload, select, evaluate, export, download.

Start the stack first (`prefsift up`), then:

    PREFSIFT_API_KEY=$(cat ~/.prefsift/api.key) python examples/quickstart.py
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

api = httpx.Client(
    base_url=os.environ.get("PREFSIFT_URL", "http://127.0.0.1:8000") + "/api/v1",
    headers={"Authorization": f"Bearer {os.environ['PREFSIFT_API_KEY']}"},
    timeout=60,
)


def post(path: str, **body: Any) -> dict[str, Any]:
    return api.post(path, **body).raise_for_status().json()


def wait(job: dict[str, Any]) -> None:
    """Every kind of work is a job with the same shape."""
    while job["state"] in ("queued", "running"):
        time.sleep(0.5)
        job = api.get(f"/jobs/{job['id']}").raise_for_status().json()
    print(f"{job['kind']}: {job['state']}, {job['rows_done']} rows")
    if job["state"] != "succeeded":
        sys.exit(str(job["error"]))


source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("pairs.jsonl")
dataset = post("/datasets", json={"name": f"{source.name} {time.time():.0f}"})["id"]
wait(post(f"/datasets/{dataset}/uploads", content=source.read_bytes())["job"])

made = post(f"/datasets/{dataset}/subsets", json={"recipe": "fifa", "budget": "10%"})
wait(made["job"])
subset = made["subset"]["id"]
for item in api.get(f"/subsets/{subset}/items", params={"kept": True, "limit": 3}).json()["items"]:
    print(f"  rank {item['rank']}: pair {item['pair_id']}, {item['reason']}")

wait(post(f"/subsets/{subset}/evaluate", json={}))
print("better than random?", api.get(f"/subsets/{subset}").json()["evaluation"])

made = post(f"/subsets/{subset}/exports", json={})
wait(made["job"])
archive = Path("export.tar")
archive.write_bytes(api.get(f"/exports/{made['export']['id']}/archive").raise_for_status().content)
print(f"{archive}: {archive.stat().st_size} bytes")
