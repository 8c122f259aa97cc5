"""A broker that forgets everything, or is not there: no accepted job is lost."""

import os
import signal

import pytest
import redis

from service.embedded import valkey
from tests.chaos.stack import Stack, until

pytestmark = pytest.mark.chaos


def test_jobs_run_though_the_broker_was_flushed_while_they_waited(stack: Stack) -> None:
    stack.start_worker()
    long = stack.chaos_job('{"seconds": 2}')
    until(lambda: stack.starts_of(long))  # the one worker is busy
    dataset = stack.dataset()
    waiting = [stack.score(dataset) for _ in range(3)]
    with redis.Redis(unix_socket_path=str(valkey.socket_path(stack.home))) as broker:
        assert broker.llen("cpu") >= 3
        broker.flushall()
    for job in [long, *waiting]:
        assert stack.ended(job)["state"] == "succeeded"


def test_a_job_is_accepted_without_a_broker_and_runs_when_it_is_back(stack: Stack) -> None:
    stack.start_worker()
    warm = stack.score(dataset := stack.dataset())
    assert stack.ended(warm)["state"] == "succeeded"
    for pid in valkey.holders(stack.home / "valkey"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not valkey.answers(valkey.socket_path(stack.home)))
    job = stack.score(dataset)
    assert stack.api.get("/readyz").json()["code"] == "broker_unavailable"
    assert stack.job(job)["state"] == "queued"
    valkey.start(stack.home)
    assert stack.ended(job)["state"] == "succeeded"
