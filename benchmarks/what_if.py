"""What-if: is the estimated noise true, and how fast is the answer at a million rows?

    python -m benchmarks.what_if [--noise] [--speed] [--pairs 1000000] [--rounds 40]

--noise: labels of a real set are turned round (all alike, or hard pairs more), the p_correct of
each signal is sketched, and by threshold doubt (mean of 1 - p_correct) and noise (with the planted
rate given, and the most there can be) of what is kept stand beside the share of flips in it.

--speed: an embedded PostgreSQL, a worker's job that makes the sketches, the API as a process of its
own, and a client over HTTP. Peers that count exactly, in the same rounds: one SQL statement with a
FILTER a threshold, and numpy over columns that lie in memory. Times are of this machine and its
load: trust the ratios.
"""

import argparse
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psycopg
from numpy.typing import NDArray

from benchmarks.query import DATASET, milliseconds, run
from benchmarks.streams import KEY, peak, serve
from benchmarks.subset_vs_random import DEFAULT_DATA, flipped
from curation.recipes.apply import score_by_pair
from curation.signals import parse_signal
from curation.thresholds.binning import BINS, equal_mass
from curation.thresholds.noise import KNOTS, most_wrong, on_knots, wrong
from curation.thresholds.sketch import Sketch
from curation.thresholds.sweep import kept, steps
from service.embedded import folders, postgres

if TYPE_CHECKING:  # the real import reads the settings, which --speed has yet to make
    from benchmarks.protocol import Condition

SIGNALS = ("reward_margin", "label_trust", "label_em")
SHARES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.1)
PORT = 18_473
# Short texts: only their lengths are summed. Every tenth line says its source.
FILL = """
INSERT INTO workspaces (id, name) VALUES ('{d}', 'benchmark');
INSERT INTO api_keys (workspace_id, name, prefix, digest)
    VALUES ('{d}', 'benchmark', 'pfs_benc', sha256('{key}'));
INSERT INTO datasets (id, workspace_id, name) VALUES ('{d}', '{d}', 'benchmark');
INSERT INTO uploads (id, dataset_id, ordinal, filename, sha256, size, state)
    VALUES ('{d}', '{d}', 1, 'x', '\\xaabb', 1, 'ingested');
INSERT INTO prompts (dataset_id, id, messages) SELECT '{d}', md5('p' || i)::uuid,
    jsonb_build_array(jsonb_build_object('role', 'user', 'content', 'What is ' || i || '?'))
    FROM generate_series(1, {rows}) i;
INSERT INTO responses (dataset_id, id, prompt_id, text) SELECT '{d}', md5(one || i)::uuid,
    md5('p' || i)::uuid, repeat(one || ' ', 10 + (i * ascii(one)) % 90)
    FROM generate_series(1, {rows}) i, unnest(ARRAY['c', 'r']) one;
INSERT INTO records (upload_id, line, dataset_id, prompt_id, extra) SELECT '{d}', i, '{d}',
    md5('p' || i)::uuid, jsonb_build_object('source', 's' || i % 10)
    FROM generate_series(10, {rows}, 10) i;
INSERT INTO pairs (dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id,
    upload_id, line, votes, agreement) SELECT '{d}', md5('x' || i)::uuid,
    (1::bigint << 48) | (i::bigint << 12), md5('p' || i)::uuid, md5('c' || i)::uuid,
    md5('r' || i)::uuid, md5('c' || i)::uuid, '{d}', i, 1 + i % 3, 1
    FROM generate_series(1, {rows}) i;
INSERT INTO signals (dataset_id, identity, kind, version, spec) VALUES
    ('{d}', 'margin', 'reward_margin', 2, '{{}}'), ('{d}', 'style', 'style', 1, '{{}}');
INSERT INTO fits (signal_id, items_sha256, items, artifact, metrics)
    SELECT id, 'x', {rows}, 'x', '{{}}' FROM signals WHERE kind = 'reward_margin';
ANALYZE
"""
# Side by side at once: no cell is read to sketch.
SCORED = """
SELECT setseed(0.5);
INSERT INTO pair_scores (snapshot_id, position, {columns}) SELECT {snapshot}, position, {values}
    FROM pairs;
UPDATE snapshots SET scored = true WHERE id = {snapshot};
ANALYZE pair_scores
"""
SWEEP = """
SELECT {columns} FROM pair_scores WHERE snapshot_id = (SELECT max(id) FROM snapshots)
"""


def planted(signal: str, condition: "Condition", data: Path, cache: Path) -> None:
    """One table: thresholds on the signal's p_correct that keep these shares."""
    from benchmarks.protocol import load, signs

    found = load("hh_harmless", data, cache)
    if isinstance(found, str):
        raise ValueError(found)
    turned = signs(condition, found.grams["independent"], 0, 0) < 0
    pairs, planted_rows = flipped(found.pairs, turned), turned.astype(np.float64)
    p = score_by_pair(parse_signal({"kind": signal}), pairs)["p_correct"].values
    names = ("rows", "planted", *map(str, KNOTS))
    sketch = Sketch.empty(("p",), [equal_mass(p, BINS)], names)
    sketch.add([p], np.column_stack([np.ones(len(p)), planted_rows, on_knots(p)]))
    at = steps(sketch, 0, np.array(SHARES), "high")
    rows, flips, *weights = kept(sketch, [at], ["high"]).quantities.T
    doubt = (1 - KNOTS) @ weights / rows
    most = most_wrong(p)
    bound = wrong(KNOTS, most) @ weights / rows
    noise = wrong(KNOTS, condition.rate) @ weights / rows
    print(f"\n{signal}, hh_harmless {condition.name}, {len(p):,} pairs; at most {most:.1%} wrong")
    print(f"{'p_correct >=':>12}{'rows':>8}{'doubt':>9}{'at most':>9}{'noise':>9}{'planted':>9}")
    for values in zip(at, rows, doubt, bound, noise, flips / rows, strict=True):
        print(f"{values[0]:>12.3f}{values[1]:>8,.0f}", *(f"{x:>8.1%}" for x in values[2:]))


def fill(url: str, rows: int) -> None:
    run(url, FILL.format(d=DATASET, key=KEY, rows=rows))


def scored(url: str) -> list[str]:
    """Random scores of every pair, one whole-numbered; their names, in the order of columns."""
    from service import db
    from service.viewer.snapshots import snapshot_of

    with db.new_session.begin() as session:
        snapshot = snapshot_of(session, uuid.UUID(DATASET))
        names = [found["name"] for found in snapshot.scores]
    columns = [f"s{place}" for place in range(1, len(names) + 1)]
    values = ["floor(random() * 5)" if "lists" in name else "random()" for name in names]
    said = {"columns": ", ".join(columns), "values": ", ".join(values), "snapshot": snapshot.id}
    run(url, SCORED.format(**said))
    return names


def built(fields: Sequence[str]) -> float:
    """Seconds of the worker's job."""
    from service import db
    from service.tables.datasets import Dataset
    from service.tables.jobs import Job, JobKind
    from service.viewer.snapshots import snapshot_of
    from service.what_if.stored import told_or_job
    from workers.protocol import run_job
    from workers.sketching import Sketching

    with db.new_session.begin() as session:
        dataset = session.get_one(Dataset, uuid.UUID(DATASET))
        job = told_or_job(session, dataset, snapshot_of(session, dataset.id), fields)
        assert isinstance(job, Job)
        name = job.id
    began = time.perf_counter()
    run_job(name, ("cpu",), {JobKind.what_if: Sketching()})
    return time.perf_counter() - began


def over_http(client: httpx.Client, **query: Any) -> Callable[[], Any]:
    def measured() -> Any:
        answer = client.get(f"/api/v1/datasets/{DATASET}/what-if", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return measured


def in_sql(url: str, column: str, at: Sequence[float]) -> Callable[[], Any]:
    """Rows and mean noise by threshold in one reading."""
    columns = ", ".join(
        f"count(*) FILTER (WHERE {column} >= {t}), avg(1 - {column}) FILTER (WHERE {column} >= {t})"
        for t in at
    )

    def measured() -> Any:
        with psycopg.connect(url) as connection:
            found = connection.execute(SWEEP.format(columns=columns).encode()).fetchone()
            return list(found or ())[::2]

    return measured


def in_numpy(p: NDArray[np.float64], at: Sequence[float]) -> Callable[[], Any]:
    def measured() -> Any:
        masks = [p >= threshold for threshold in at]
        return [(int(mask.sum()), float(1 - p[mask].mean())) for mask in masks]

    return measured


def speed(url: str, home: Path, rounds: int) -> None:
    names = scored(url)
    one, two = ["reward_margin.p_correct"], ["reward_margin.p_correct", "style.bold_delta"]
    print(f"sketches of all {len(names)} scores: {built(one):.1f} s", flush=True)
    print(f"sketch of two together: {built(two):.1f} s; worker {peak(os.getpid())} MB", flush=True)
    with psycopg.connect(url) as connection:
        sizes = connection.execute(
            "SELECT count(*), sum(length(content)) FROM threshold_sketches"
        ).fetchone()
    print(f"{sizes[0] if sizes else 0} sketches, {sizes[1] if sizes else 0:,} bytes", flush=True)
    place = 1 + names.index(one[0])
    with psycopg.connect(url) as connection:
        read = connection.execute(SWEEP.format(columns=f"s{place}").encode()).fetchall()
    p = np.array(read, np.float64)[:, 0]
    server = serve(home, "service.app:app", PORT)
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", headers=headers) as client:
            at = np.linspace(0.0213, 0.9713, 20).tolist()
            curve = over_http(client, by=one[0], at=at)
            exact = in_sql(url, f"s{place}", at)
            sides = {
                "what-if, 20 thresholds": curve,
                "what-if, 1,000 thresholds": over_http(client, by=one[0], points=1000),
                "what-if, grid 10 x 10": over_http(client, by=two[0], **{"and": two[1]}, points=10),
                "peer: SQL, 20 thresholds": exact,
                "peer: numpy, 20 thresholds": in_numpy(p, at),
            }
            compared(curve(), exact())
            measure(sides, rounds)
    finally:
        server.terminate()
        server.wait()


def compared(told: Mapping[str, Any], exact: Sequence[int]) -> None:
    off = [abs(point["rows"] - n) for point, n in zip(told["points"], exact, strict=True)]
    bound = told["error"]["rows"]
    print(f"kept rows off by at most {max(off)} of {told['rows']:,}; bound {bound}", flush=True)
    assert max(off) <= bound


def measure(sides: Mapping[str, Callable[[], Any]], rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in sides}
    for name, measured in sides.items():
        print(f"{name}: first {milliseconds(measured):.0f} ms", flush=True)
    for at in range(rounds):
        for name, measured in sides.items():
            if at < max(rounds // 4, 3) or not name.startswith("peer"):
                times[name].append(milliseconds(measured))
    print(f"{'':30}{'p50 ms':>10}{'p95 ms':>10}")
    for name, found in times.items():
        print(f"{name:30}{np.percentile(found, 50):>10.1f}{np.percentile(found, 95):>10.1f}")
    print("target: < 200 ms")


def on_a_stack(rows: int, rounds: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="pfs-bench-"))
    try:
        url = os.environ["DATABASE_URL"] = postgres.start(home)
        os.environ["PREFSIFT_HOME"] = str(home)
        from service import schema

        schema.upgrade()
        began = time.perf_counter()
        fill(url, rows)
        print(f"{rows:,} pairs filled in {time.perf_counter() - began:.0f} s", flush=True)
        speed(url, home, rounds)
    finally:
        postgres.stop(home)
        folders.purge(home)
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--noise", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "prefsift-benchmarks"
    )
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    if given.speed or not given.noise:
        on_a_stack(given.pairs, given.rounds)
    if given.noise or not given.speed:
        from benchmarks.protocol import CONDITIONS

        for signal in SIGNALS:
            for condition in CONDITIONS:
                planted(signal, condition, given.data, given.cache)


if __name__ == "__main__":
    main()
