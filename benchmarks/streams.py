"""Streams and Parquet files of a dataset: rows a second, memory, and /healthz meanwhile.

    python -m benchmarks.streams [--pairs 100000] [--rounds 3]

One embedded PostgreSQL, the API as a process of its own (one uvicorn worker), a client that reads
and counts. Sides take turns in every round. A row has 1.7 kB of text in one prompt and two answers.
Peers: a plain generator that gives one line a row from a server-side cursor (what one writes
first), and `datasets.Dataset.from_generator(...).to_parquet` on the same cursor. Rates are of this
machine and its load: trust the ratios.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
import numpy as np
import psycopg

from service.embedded import folders, postgres

DATASET = "00000000-0000-0000-0000-0000000000d1"
KEY = "pfs_benchmark"
ROWS = """
SELECT p.id, p.prompt_id, q.messages, a.text, b.text, p.votes, p.agreement
FROM pairs p JOIN prompts q ON q.dataset_id = p.dataset_id AND q.id = p.prompt_id
JOIN responses a ON a.dataset_id = p.dataset_id AND a.id = p.chosen_id
JOIN responses b ON b.dataset_id = p.dataset_id AND b.id = p.rejected_id
WHERE p.dataset_id = %s ORDER BY p.position
"""
FILL = """
INSERT INTO workspaces (id, name) VALUES ('{d}', 'benchmark');
INSERT INTO api_keys (workspace_id, name, prefix, digest)
    VALUES ('{d}', 'benchmark', 'pfs_benc', sha256('{key}'));
INSERT INTO datasets (id, workspace_id, name) VALUES ('{d}', '{d}', 'benchmark');
INSERT INTO uploads (id, dataset_id, ordinal, filename, sha256, size, state)
    VALUES ('{d}', '{d}', 1, 'x', '\\xaabb', 1, 'ingested');
CREATE TEMP TABLE words AS SELECT i,
    string_agg(substr(md5((i * 1000 + j)::text), 1, 2 + j % 8), ' ')
    AS said FROM generate_series(0, 4999) i, generate_series(1, 105) j GROUP BY i;
CREATE TEMP TABLE numbered AS SELECT n.i, md5('p' || n.i)::uuid AS p, md5('c' || n.i)::uuid AS c,
    md5('r' || n.i)::uuid AS r, said
    FROM generate_series(1, {rows}) n(i) JOIN words ON words.i = n.i % 5000;
INSERT INTO prompts (dataset_id, id, messages) SELECT '{d}', p, jsonb_build_array(
    jsonb_build_object('role', 'user', 'content', i || ' ' || left(said, 340)))
    FROM numbered ORDER BY i;
INSERT INTO responses (dataset_id, id, prompt_id, text) SELECT '{d}', id, p, i || one || said
    FROM numbered, LATERAL (VALUES (c, ' c '), (r, ' r ')) answers(id, one) ORDER BY i;
INSERT INTO pairs (dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id,
    upload_id, line, votes, agreement) SELECT '{d}', md5('x' || i)::uuid,
    (1::bigint << 48) | (i::bigint << 12), p, c, r, c, '{d}', i, 1, 1 FROM numbered ORDER BY i;
ANALYZE;
"""


class Run(NamedTuple):
    seconds: float
    rows: int
    slowest: float  # 99th percentile of /healthz meanwhile, in milliseconds; NaN where not asked
    megabytes: int  # largest resident set so far of the process that makes the rows


def fill(url: str, rows: int) -> None:
    with psycopg.connect(url) as connection:
        for statement in FILL.format(d=DATASET, key=KEY, rows=rows).split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())


def peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


class Health:
    """Asks /healthz every 5 ms on a connection of its own, in a process of its own."""

    CODE = """
import sys, time, httpx
with httpx.Client(base_url=sys.argv[1]) as client:
    client.get('/healthz')
    print('ready', flush=True)
    while True:
        began = time.perf_counter()
        client.get('/healthz')
        print(1000 * (time.perf_counter() - began), flush=True)
        time.sleep(0.005)
"""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.CODE, url], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        assert self.process.stdout.readline().strip() == "ready"

    def slowest(self) -> float:
        self.process.terminate()
        said, _ = self.process.communicate()
        return float(np.percentile([float(line) for line in said.split("\n")[:-1]] or [np.nan], 99))


def over_http(url: str, pid: int, kind: str) -> Callable[[], Run]:
    def measured() -> Run:
        headers = {"Authorization": f"Bearer {KEY}"}
        health = Health(url)
        began, size, lines = time.perf_counter(), 0, 0
        with httpx.Client(base_url=url, headers=headers, timeout=600) as client:
            path = f"/api/v1/datasets/{DATASET}/pairs.{kind}"
            with client.stream("GET", path) as answer:
                for piece in answer.iter_raw(1 << 20):
                    size += len(piece)
                    lines += piece.count(b"\n") if kind == "ndjson" else 0
        return Run(time.perf_counter() - began, lines, health.slowest(), peak(pid))

    return measured


def parquet() -> Callable[[], Run]:
    """The service's own files, in a process of their own."""
    code = f"""
import time, uuid, resource
from service import db
from service.viewer.parquet_files import convert
from service.viewer.snapshots import snapshot_of
with db.new_session.begin() as session:
    session.connection().exec_driver_sql('DELETE FROM parquet_shards')
    snapshot_of(session, uuid.UUID('{DATASET}'))
began = time.perf_counter()
_, shards = convert(uuid.UUID('{DATASET}'), seconds=3600)
print(time.perf_counter() - began, sum(s.rows for s in shards),
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
    return in_process(code)


def to_parquet() -> Callable[[], Run]:
    code = f"""
import time, os, tempfile, resource, psycopg, datasets
datasets.disable_progress_bars()
def rows():
    with psycopg.connect(os.environ['DATABASE_URL']) as connection:
        with connection.cursor('rows') as cursor:
            cursor.itersize = 2000
            cursor.execute({ROWS!r}, ('{DATASET}',))
            for id, prompt_id, messages, a, b, votes, agreement in cursor:
                yield {{'prompt': messages, 'chosen': [{{'role': 'assistant', 'content': a}}],
                       'rejected': [{{'role': 'assistant', 'content': b}}], 'pair_id': str(id),
                       'prompt_id': str(prompt_id), 'votes': votes, 'agreement': agreement}}
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    found = datasets.Dataset.from_generator(rows, cache_dir=folder)
    found.to_parquet(folder + '/x.parquet')
    print(time.perf_counter() - began, len(found),
          resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""
    return in_process(code)


def in_process(code: str) -> Callable[[], Run]:
    def measured() -> Run:
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
        )
        seconds, rows, megabytes = done.stdout.split()
        return Run(float(seconds), int(rows), float("nan"), int(megabytes))

    return measured


PEER = f"""
import os, orjson, psycopg
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
app = FastAPI()

@app.get('/healthz')
def health():
    return {{}}

@app.get('/api/v1/datasets/{{dataset}}/pairs.ndjson')
def rows(dataset: str):
    def lines():
        with psycopg.connect(os.environ['DATABASE_URL']) as connection:
            with connection.cursor('rows') as cursor:
                cursor.itersize = 2000
                cursor.execute({ROWS!r}, (dataset,))
                for id, prompt_id, messages, a, b, votes, agreement in cursor:
                    yield orjson.dumps({{
                        'prompt': messages, 'chosen': [{{'role': 'assistant', 'content': a}}],
                        'rejected': [{{'role': 'assistant', 'content': b}}], 'pair_id': id,
                        'prompt_id': prompt_id, 'votes': votes, 'agreement': agreement,
                    }}, option=orjson.OPT_APPEND_NEWLINE)
    return StreamingResponse(lines(), media_type='application/x-ndjson')
"""


def serve(home: Path, module: str, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "uvicorn", module, "--port", str(port), "--log-level", "error"]
    environment = {**os.environ, "PYTHONPATH": f"{home}:{os.getcwd()}"}
    with (home / "served.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--no-access-log"], env=environment, stdout=log, stderr=log
        )
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return process
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"{module} does not answer")


def report(runs: dict[str, list[Run]], pairs: int) -> None:
    print(f"{'':34}{'rows/s (min - max)':>30}{'RSS MB':>8}{'healthz p99 ms':>16}")
    rates: dict[str, list[float]] = {}
    for name, found in runs.items():
        rates[name] = [pairs / run.seconds for run in found]
        low, high = min(rates[name]), max(rates[name])
        shown = f"{median(rates[name]):,.0f} ({low:,.0f} - {high:,.0f})"
        slowest = median(run.slowest for run in found)
        print(f"{name:34}{shown:>30}{max(run.megabytes for run in found):>8}{slowest:>16.1f}")
    for side, peer in (
        ("NDJSON", "peer: a row at a time"),
        ("Arrow", "peer: a row at a time"),
        ("Parquet", "peer: datasets to_parquet"),
    ):
        ratios = [a / b for a, b in zip(rates[side], rates[peer], strict=True)]
        print(f"{side} / {peer}: {median(ratios):.2f}x ({min(ratios):.2f} - {max(ratios):.2f})")
    print("targets: NDJSON >= 90,000 rows/s, healthz p99 < 50 ms, Parquet >= 100,000 at <= 300 MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pfs-bench-"))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        os.environ["DATABASE_URL"] = postgres.start(home)
        os.environ["PREFSIFT_HOME"] = str(home)
        from service import schema

        schema.upgrade()
        fill(os.environ["DATABASE_URL"], given.pairs)
        (home / "peer_app.py").write_text(PEER)
        processes = [
            serve(home, "service.app:app", 18_471), serve(home, "peer_app:app", 18_472),
        ]  # fmt: skip
        urls = [f"http://127.0.0.1:{port}" for port in (18_471, 18_472)]
        sides = {
            "NDJSON": over_http(urls[0], processes[0].pid, "ndjson"),
            "peer: a row at a time": over_http(urls[1], processes[1].pid, "ndjson"),
            "Arrow": over_http(urls[0], processes[0].pid, "arrow"),
            "Parquet": parquet(),
            "peer: datasets to_parquet": to_parquet(),
        }
        runs: dict[str, list[Run]] = {name: [] for name in sides}
        for _ in range(given.rounds):
            for name, measured in sides.items():
                runs[name].append(measured())
        print(f"{given.pairs:,} pairs, {given.rounds} rounds, {os.cpu_count()} CPUs")
        report(runs, given.pairs)
    finally:
        for process in processes:
            process.terminate()
        postgres.stop(home)
        folders.purge(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
