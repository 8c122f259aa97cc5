"""Workers that are killed, frozen, poisoned or slow: every pair is scored exactly once."""

import signal

import pytest

from tests.chaos.stack import LEASE_SECONDS, Stack, kill, until

pytestmark = pytest.mark.chaos
PAIRS, OUTPUTS = 1500, 8


def assert_scored_once(stack: Stack, job: str) -> None:
    ended = stack.ended(job)
    assert ended["state"] == "succeeded", ended
    assert (ended["rows_done"], ended["rows_total"]) == (PAIRS, PAIRS)
    assert stack.one("SELECT count(*) FROM scores") == PAIRS * OUTPUTS
    assert stack.one("SELECT count(DISTINCT (item_id, output)) FROM scores") == PAIRS * OUTPUTS
    assert stack.one("SELECT count(*) FROM scores WHERE status <> 'ok'") == 0


def in_the_middle(stack: Stack, job: str) -> None:
    done = "SELECT coalesce(sum(rows_done), 0) BETWEEN 1 AND 1400 FROM shards WHERE job_id = %s"
    until(lambda: stack.one(done, job))


def test_a_worker_killed_in_the_middle_of_scoring(stack: Stack, scored_anew: str) -> None:
    job = stack.score(scored_anew)
    worker = stack.start_worker()
    in_the_middle(stack, job)
    kill(worker)
    before = stack.one("SELECT count(*) FROM scores")
    assert 0 < before < PAIRS * OUTPUTS
    stack.start_worker()
    assert_scored_once(stack, job)
    assert stack.one("SELECT max(attempts) FROM shards WHERE job_id = %s", job) == 2


def test_a_frozen_worker_is_replaced_and_writes_nothing_when_it_wakes(
    stack: Stack, scored_anew: str
) -> None:
    job = stack.score(scored_anew)
    frozen = stack.start_worker()
    in_the_middle(stack, job)
    kill(frozen, signal.SIGSTOP)
    stack.start_worker()
    assert_scored_once(stack, job)
    kill(frozen, signal.SIGCONT)
    log = stack.home / "worker.log"
    until(lambda: '"lease_lost"' in log.read_text())
    assert_scored_once(stack, job)


def test_a_job_that_kills_its_process_fails_at_the_third_attempt(
    stack: Stack, scored_anew: str
) -> None:
    poison = stack.chaos_job('{"kill": true}')
    healthy = stack.score(scored_anew)
    stack.start_worker()
    ended = stack.ended(poison)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "worker_lost")
    assert ended["error"]["attempts"] == stack.starts_of(poison) == 3
    assert_scored_once(stack, healthy)


def test_a_shard_that_outlives_its_lease_runs_once(stack: Stack) -> None:
    job = stack.chaos_job(f'{{"seconds": {2.5 * LEASE_SECONDS}}}')
    stack.start_worker(processes=2)
    assert stack.ended(job)["state"] == "succeeded"
    assert stack.starts_of(job) == 1
