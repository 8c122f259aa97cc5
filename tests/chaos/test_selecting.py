"""A select job whose workers are killed leaves no half-made subset, and ends with the same ids."""

from typing import Any

import pytest

from tests.chaos.stack import Stack, kill, until
from tests.chaos.test_worker import in_the_middle

pytestmark = pytest.mark.chaos
WANTED: dict[str, Any] = {
    "recipe": {
        "id": "apart",
        "title": "Of each band the most different lengths",
        "signals": {"form": {"kind": "style"}},
        "terms": {"length": "form.length_log_ratio"},
        "selector": {"kind": "stratified", "fields": ["length_band"]},
    },
    "where": "NOT prompt.text ILIKE '%7%'",
    "budget": "900 tokens",
    "seeds": [4, 5],
}
ITEMS = """
SELECT array_agg(concat_ws(' ', pair_id, rank, reason, share) ORDER BY position)
FROM subset_items WHERE subset_id = %s
"""
WRITING = """
SELECT count(*) FROM shards s JOIN jobs j ON j.id = s.job_id
WHERE j.id = %s AND s.stage = j.stage AND j.stages ->> s.stage::int = 'select'
AND s.state = 'leased'
"""


def asked(stack: Stack, dataset: str) -> tuple[str, str]:
    answer = stack.api.post(f"/api/v1/datasets/{dataset}/subsets", json=WANTED)
    assert answer.status_code == 202, answer.text
    return answer.json()["subset"]["id"], answer.json()["job"]["id"]


def test_workers_killed_while_they_score_and_while_they_select_change_no_pair(
    stack: Stack, scored_anew: str
) -> None:
    subset, job = asked(stack, scored_anew)
    for moment in (lambda: in_the_middle(stack, job), lambda: until(lambda: writing(stack, job))):
        worker = stack.start_worker()
        moment()
        kill(worker)
        assert stack.one(ITEMS, subset) is None
    stack.start_worker()
    ended = stack.ended(job)
    assert ended["state"] == "succeeded", ended
    disturbed = stack.one(ITEMS, subset)
    assert len(disturbed) == 1500
    assert 0 < ended["result"]["size"] < 300
    stack.one("WITH gone AS (DELETE FROM signals) SELECT 1")
    calm, job = asked(stack, scored_anew)
    assert stack.ended(job)["state"] == "succeeded"
    assert stack.one(ITEMS, calm) == disturbed


def writing(stack: Stack, job: str) -> bool:
    """Whether the shard that writes the subset is being worked on."""
    return bool(stack.one(WRITING, job))
