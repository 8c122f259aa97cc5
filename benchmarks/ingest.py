"""Ingest: prefsift, the same rows by executemany, a raw staging COPY, datasets.load_dataset.

    python -m benchmarks.ingest [--rows 100000] [--rounds 3]

Each side runs in a process of its own, one after the other in every round, on one embedded
PostgreSQL. A row has 1.7 kB and becomes 6 table rows (prompt, 2 responses, record, comparison,
pair). The clock covers parsing, checking, hashing, writing and the commit, for prefsift and for
executemany, which writes the very rows that prefsift wrote; "writing only" is executemany with its
rows in memory and ready. The staging COPY parses and checks each line and writes it as one row with
a unique id.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import resource
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson
import psycopg

from service.embedded import folders, postgres

TABLES = ("prompts", "responses", "records", "comparisons", "pairs")


class Run(NamedTuple):
    seconds: float
    cpu: float  # of this process and the one that parses for it
    server_cpu: float  # of PostgreSQL
    megabytes: int  # largest resident set


def write_rows(path: Path, rows: int) -> None:
    """Pairs of nonsense in plain words, 1.7 kB a line; the same for everyone."""
    random_words = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(random_words.choices(letters, k=2 + i % 8)) for i in range(5000)]

    def text(n: int) -> str:
        return " ".join(random_words.choices(words, k=n))

    with path.open("wb") as file:
        for _ in range(rows):
            row = {"prompt": text(60), "chosen": text(105), "rejected": text(105)}
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def prefsift(path: Path) -> Callable[[], None]:
    """Its parsing process has started, as a worker's has after its first file."""
    write_rows(path.with_name("first.jsonl"), 1)
    ready(path.with_name("first.jsonl"))()
    return ready(path)


def ready(path: Path) -> Callable[[], None]:
    from service import db, files
    from service.ingest.store import ingest
    from service.tables.access import Workspace
    from service.tables.datasets import Dataset, Upload

    incoming = files.Incoming()
    with path.open("rb") as file:
        while block := file.read(files.BLOCK):
            incoming.write(block)
    incoming.keep(files.upload_key(incoming.digest.digest()))
    session = db.new_session()
    session.connection().exec_driver_sql("TRUNCATE workspaces CASCADE")
    workspace = Workspace(name="benchmark")
    session.add(workspace)
    session.flush()
    dataset = Dataset(workspace_id=workspace.id, name=path.name)
    session.add(dataset)
    session.flush()
    upload = Upload(
        dataset_id=dataset.id, ordinal=1, filename="rows", size=incoming.size,
        sha256=incoming.digest.digest(),
    )  # fmt: skip
    session.add(upload)
    session.commit()
    session.refresh(upload)

    def measured() -> None:
        ingest(session, upload, lambda _: None)
        session.commit()

    return measured


def executemany(path: Path) -> Callable[[], None]:
    """The same reading, then executemany for the writing."""
    write = writing_only(path)

    def measured() -> None:
        from service.formats import FORMATS
        from service.ingest.normalise import Place
        from service.ingest.taking import Taker
        from service.reading.rows import read_rows

        some = uuid.uuid4()
        taker = Taker(Place(some, some, 1, bytes(32)), FORMATS["trl_preference"], atomic=False)
        with path.open("rb") as file:
            for _ in taker.chunks(read_rows(file, path.stat().st_size, 1 << 25)):
                pass
        write()

    return measured


def writing_only(_: Path) -> Callable[[], None]:
    """Writes what prefsift has just written once more, after emptying the tables."""
    connection = psycopg.connect(os.environ["DATABASE_URL"])
    rows: dict[str, list[Any]] = {}
    columns: dict[str, list[str]] = {}
    for table in TABLES:
        cursor = connection.cursor(binary=True)
        cursor.execute(f"SELECT * FROM {table}".encode())
        columns[table] = [column.name for column in cursor.description or ()]
        rows[table] = [tuple(map(writable, row)) for row in cursor]
    connection.execute(f"TRUNCATE {', '.join(TABLES)}".encode())
    connection.commit()

    def measured() -> None:
        for table in TABLES:
            names, marks = ", ".join(columns[table]), ", ".join(["%b"] * len(columns[table]))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            connection.cursor().executemany(statement.encode(), rows[table])
        connection.commit()

    return measured


def writable(value: Any) -> Any:
    from psycopg.types.json import Jsonb

    return Jsonb(value, orjson.dumps) if isinstance(value, list | dict) else value


def staging(path: Path) -> Callable[[], None]:
    from service.ingest.copying import END, SIGNATURE, id_field, text_field
    from service.reading.rows import read_rows

    connection = psycopg.connect(os.environ["DATABASE_URL"])
    connection.execute("DROP TABLE IF EXISTS staging")
    connection.execute(
        "CREATE TABLE staging (id uuid PRIMARY KEY, prompt text, chosen text, rejected text)"
    )
    for name in ("prompt", "chosen", "rejected"):
        connection.execute(f"ALTER TABLE staging ALTER {name} SET STORAGE EXTERNAL".encode())
    connection.commit()

    def measured() -> None:
        waiting: list[bytes] = [SIGNATURE]
        statement = b"COPY staging FROM STDIN (FORMAT BINARY)"
        with path.open("rb") as file, connection.cursor().copy(statement) as stream:
            for row in read_rows(file, path.stat().st_size, 1 << 25):
                assert isinstance(row.value, dict)
                id = hashlib.blake2b(row.raw, digest_size=16).digest()
                fields = (text_field(row.value[name]) for name in ("prompt", "chosen", "rejected"))
                waiting += (b"\x00\x04", id_field(id), *fields)
                if row.line % 500 == 0:
                    stream.write(b"".join(waiting))
                    waiting.clear()
            stream.write(b"".join([*waiting, END]))
        connection.commit()

    return measured


def load_dataset(path: Path) -> Callable[[], None]:
    cache = tempfile.mkdtemp()
    os.environ.update(HF_DATASETS_CACHE=cache, HF_HUB_OFFLINE="1")
    import datasets

    datasets.disable_progress_bars()

    def measured() -> None:
        datasets.load_dataset("json", data_files=str(path), split="train")
        shutil.rmtree(cache)

    return measured


SIDES: dict[str, Callable[[Path], Callable[[], None]]] = {
    "prefsift": prefsift,
    "executemany": executemany,
    "writing only": writing_only,
    "staging COPY": staging,
    "load_dataset": load_dataset,
}


def clocked(name: str, path: Path, answers: Any) -> None:
    """In a process of its own, so that its memory is its own too."""
    measured = SIDES[name](path)
    before, cpu, served = time.perf_counter(), time.process_time(), server_cpu()
    measured()
    taken, own, served = (
        time.perf_counter() - before, time.process_time() - cpu, server_cpu() - served,
    )  # fmt: skip
    from service.ingest.parser import idle

    while not idle.empty():
        idle.get().stop()
    parsing = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + parsing.ru_maxrss
    answers.put(Run(taken, own + parsing.ru_utime + parsing.ru_stime, served, memory >> 10))


def server_cpu() -> float:
    """CPU seconds of the server's processes that live, by /proc."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # ended meanwhile
            continue
        if fields[1] == os.environ["POSTMASTER"]:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def run(name: str, path: Path) -> Run:
    spawning = multiprocessing.get_context("spawn")
    answers = spawning.Queue()
    process = spawning.Process(target=clocked, args=(name, path, answers))
    process.start()
    process.join()
    assert process.exitcode == 0, f"{name} ended with {process.exitcode}"
    return answers.get()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pfs-bench-"))
    try:
        os.environ["DATABASE_URL"] = postgres.start(home)
        os.environ["PREFSIFT_HOME"] = str(home)
        os.environ["POSTMASTER"] = str(postgres.postmasters(postgres.find(home).data)[0])
        from service import schema

        schema.upgrade()
        path = home / "rows.jsonl"
        write_rows(path, given.rows)
        size = path.stat().st_size
        print(f"{given.rows:,} rows, {size / given.rows:,.0f} bytes each, {given.rounds} rounds")
        runs: dict[str, list[Run]] = {name: [] for name in SIDES}
        for _ in range(given.rounds):
            for name in SIDES:
                runs[name].append(run(name, path))
        report(runs, given.rows)
    finally:
        postgres.stop(home)
        folders.purge(home)
        shutil.rmtree(home, ignore_errors=True)


def report(runs: dict[str, list[Run]], rows: int) -> None:
    head = ("seconds (min - max)", "rows/s", "CPU s", "server CPU s", "RSS MB")
    print("{:14}{:>24}{:>10}{:>8}{:>14}{:>8}".format("", *head))
    for name, found in runs.items():
        seconds = [one.seconds for one in found]
        spread = f"{median(seconds):.2f} ({min(seconds):.2f} - {max(seconds):.2f})"
        cpu = median(one.cpu for one in found)
        served = median(one.server_cpu for one in found)
        memory = max(one.megabytes for one in found)
        rate = rows / median(seconds)
        print(f"{name:14}{spread:>24}{rate:>10,.0f}{cpu:>8.2f}{served:>14.2f}{memory:>8}")
    for side, peer, target in (
        ("prefsift", "executemany", 2.2),
        ("prefsift", "writing only", None),
        ("prefsift", "load_dataset", 0.25),
        ("staging COPY", "load_dataset", 0.5),
    ):
        both = list(zip(runs[side], runs[peer], strict=True))
        ratios = [theirs.seconds / ours.seconds for ours, theirs in both]
        cpu = median(
            (theirs.cpu + theirs.server_cpu) / (ours.cpu + ours.server_cpu) for ours, theirs in both
        )
        spread = f"{median(ratios):.2f}x ({min(ratios):.2f} - {max(ratios):.2f})"
        aim = f"; target >= {target}x" if target else ""
        print(f"{side + ' / ' + peer:30}{spread:>22}, by CPU {cpu:.2f}x{aim}")
    memory = max(one.megabytes for one in runs["prefsift"])
    print(f"{'memory of prefsift':30}{memory:>19} MB; target <= 200 MB")


if __name__ == "__main__":
    main()
