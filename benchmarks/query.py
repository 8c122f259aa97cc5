"""Filtered pages over many scored pairs: our layout beside plain SQL on a table of cells.

    python -m benchmarks.query [--pairs 1000000] [--rounds 40]

One embedded PostgreSQL. Every pair has eight scores. A page is 100 pairs with three predicates on
scores: common (an eighth of the pairs), medium, rare (some dozens of them) and none at all. The
sides take turns in every round. The peer joins the cells of each score to the pairs, as one writes
it first on `scores(signal, output, item, value)` with its unique index. Then MATCH over an index
of 20 words a pair, the frequency of the n-th word falling as 1/n. Times are of this machine and its
load: trust the ratios.
"""

import argparse
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from service.embedded import folders, postgres

DATASET = "00000000-0000-0000-0000-0000000000d1"
BOUNDS = {"common": 0.5, "medium": 0.1, "rare": 0.03, "none": 0.0005}
FILL = """
INSERT INTO workspaces (id, name) VALUES ('{d}', 'benchmark');
INSERT INTO datasets (id, workspace_id, name) VALUES ('{d}', '{d}', 'benchmark');
INSERT INTO uploads (id, dataset_id, ordinal, filename, sha256, size, state)
    VALUES ('{d}', '{d}', 1, 'x', '\\xaabb', 1, 'ingested');
INSERT INTO pairs (dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id,
    upload_id, line, votes, agreement) SELECT '{d}', md5('x' || i)::uuid,
    (1::bigint << 48) | (i::bigint << 12), md5('p' || i)::uuid, md5('c' || i)::uuid,
    md5('r' || i)::uuid, md5('c' || i)::uuid, '{d}', i, 1 + i % 3, 1
    FROM generate_series(1, {rows}) i;
INSERT INTO signals (dataset_id, identity, kind, version, spec)
    VALUES ('{d}', 'benchmark', 'style', 1, '{{}}');
SELECT setseed(0.5);
INSERT INTO scores (signal_id, output, item_id, value)
    SELECT (SELECT max(id) FROM signals), output, md5('x' || i)::uuid, random()
    FROM generate_series(1, {rows}) i, unnest(ARRAY[{outputs}]) output;
ANALYZE
"""
WORDS = """
INSERT INTO pair_words (dataset_id, pair_id, words)
    SELECT '{d}', md5('x' || i)::uuid, to_tsvector('simple', (
        SELECT string_agg('w' || floor(exp(random() * ln(1e5)))::bigint, ' ')
        FROM generate_series(1, 20 + 0 * i)
    )) FROM generate_series(1, {rows}) i;
UPDATE snapshots SET worded = true;
ANALYZE pair_words
"""
SEARCHES = {
    "frequent": "w2", "medium": "w500", "rare": "w40000", "without": "w500 -w2",
    "phrase": '"w20 w30"', "none": "nowhere",
}  # fmt: skip
PEER = """
SELECT p.position FROM pairs p
JOIN scores a ON a.item_id = p.id AND a.signal_id = %(signal)s AND a.output = %(a)s
JOIN scores b ON b.item_id = p.id AND b.signal_id = %(signal)s AND b.output = %(b)s
JOIN scores c ON c.item_id = p.id AND c.signal_id = %(signal)s AND c.output = %(c)s
WHERE p.dataset_id = %(dataset)s
AND a.value < %(bound)s AND b.value < %(bound)s AND c.value < %(bound)s
ORDER BY p.position LIMIT 100
"""


def fill(url: str, rows: int, outputs: tuple[str, ...]) -> None:
    named = ", ".join(f"'{output}'" for output in outputs)
    run(url, FILL.format(d=DATASET, rows=rows, outputs=named))


def run(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements.split(";\n"):
            connection.execute(statement.encode())


def milliseconds(measured: Callable[[], Any]) -> float:
    began = time.perf_counter()
    measured()
    return 1000 * (time.perf_counter() - began)


def ours(where: str, what: str) -> Callable[[], Any]:
    from service import db
    from service.filters.query import Query

    def measured() -> Any:
        with db.new_session.begin() as session:
            query = Query(session, uuid.UUID(DATASET), where)
            if what == "page":
                return query.page(100)[0]
            return query.count() if what == "count" else query.explain()["rows"]

    return measured


def peer(url: str, outputs: tuple[str, ...], bound: float) -> Callable[[], Any]:
    def measured() -> Any:
        with psycopg.connect(url) as connection:
            signal = connection.execute("SELECT max(id) FROM signals").fetchone()
            values = dict(zip("abc", outputs, strict=False))
            values |= {"signal": signal[0] if signal else 0, "dataset": DATASET, "bound": bound}
            return [row[0] for row in connection.execute(PEER, values)]

    return measured


def report(times: dict[str, list[float]]) -> None:
    print(f"{'':24}{'p50 ms':>10}{'p95 ms':>10}")
    for name, found in times.items():
        print(f"{name:24}{np.percentile(found, 50):>10.1f}{np.percentile(found, 95):>10.1f}")
    print("targets: page p95 < 150 ms, estimate < 50 ms")


def measure(url: str, outputs: tuple[str, ...], rounds: int) -> None:
    times: dict[str, list[float]] = {}
    for name, bound in BOUNDS.items():
        where = " AND ".join(f"style.{output} < {bound}" for output in outputs[:3])
        page, plain = ours(where, "page"), peer(url, outputs, bound)
        first = milliseconds(page)
        print(f"{name}: {len(page())} pairs, first query {first:.0f} ms", flush=True)
        assert page() == plain()
        sides = {"page": page, "estimate": ours(where, "estimate"), "peer": plain}
        for at in range(rounds):
            for side, measured in sides.items():
                if side != "peer" or at < max(rounds // 8, 3):  # it takes seconds
                    times.setdefault(f"{name} {side}", []).append(milliseconds(measured))
    report(times)


def search(rounds: int) -> None:
    times: dict[str, list[float]] = {}
    for name, said in SEARCHES.items():
        sides = {what: ours(f"MATCH('{said}')", what) for what in ("page", "count", "estimate")}
        print(f"{name}: {sides['count']()} pairs", flush=True)
        for _ in range(rounds):
            for side, measured in sides.items():
                times.setdefault(f"{name} {side}", []).append(milliseconds(measured))
    report(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pfs-bench-"))
    try:
        url = os.environ["DATABASE_URL"] = postgres.start(home)
        os.environ["PREFSIFT_HOME"] = str(home)
        from curation.signals import SIGNALS
        from service import schema

        schema.upgrade()
        outputs = tuple(output.name for output in SIGNALS["style"].outputs)
        fill(url, given.pairs, outputs)
        print(f"{given.pairs:,} pairs, {len(outputs)} scores, {os.cpu_count()} CPUs", flush=True)
        measure(url, outputs, given.rounds)
        run(url, WORDS.format(d=DATASET, rows=given.pairs))
        search(given.rounds)
    finally:
        postgres.stop(home)
        folders.purge(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
