"""F02–F04, F17, F18, F20: faults of a whole file."""

import gzip
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from service import db, files
from tests.faults.damaged import DAMAGED, ROWS, lying_footers
from tests.faults.served import Dataset
from tests.service.intake.uploading import trl

MIB = 1 << 20


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_f02_a_bomb_in_gzip_and_zstd(dataset: Dataset, pack: Any) -> None:
    before = dataset.server.memory()
    refused = dataset.refusal(pack(trl(1) + b" " * 100 * MIB))
    assert (refused["status"], refused["code"]) == (413, "decompressed_too_large")
    answer = dataset.look(pack(b"\0" * 100 * MIB))
    assert (answer.status_code, answer.json()["code"]) == (413, "decompressed_too_large")
    assert dataset.server.memory() - before < 64 * MIB


def test_f03_a_table_of_2_terabytes_in_5_kilobytes(dataset: Dataset) -> None:
    values = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(2_000_000, np.int32)), pa.array(["x" * 1_000_000])
    )
    file = io.BytesIO()
    pq.write_table(pa.table({"prompt": values}), file, compression="zstd")
    bomb = file.getvalue()
    assert len(bomb) < 6000
    before = dataset.server.memory()
    refused = dataset.refusal(bomb)
    assert refused["status"] == 413
    assert refused["code"] in ("decoded_too_large", "memory_limit")
    assert dataset.look(bomb).status_code == 413
    assert dataset.server.memory() - before < 256 * MIB


def test_f04_200_damaged_tables(dataset: Dataset) -> None:
    """A flipped bit inside a text makes another text; then all rows are taken, else none."""
    refused = 0
    for number, content in enumerate(DAMAGED):
        answer = dataset.look(content)
        if answer.status_code == 200:
            assert answer.json()["rows"] == ROWS
        else:
            refused += 1
            assert answer.status_code in (413, 415, 422), answer.text
        if number % 5 == 0:
            upload = dataset.ingest(content)
            assert (upload["state"] == "failed") == answer.is_error
            assert upload["rows_in"] == (None if answer.is_error else ROWS)
    assert refused > len(DAMAGED) // 2


def test_f04_footers_that_lie(dataset: Dataset) -> None:
    for content in lying_footers():
        refused = dataset.refusal(content)
        assert refused["status"] in (413, 422)
    file = io.BytesIO()
    pq.write_table(pa.table({"prompt": ["p"] * 3000}), file, row_group_size=1)
    upload = dataset.ingest(file.getvalue(), layout="trl_preference")
    assert upload["rejected"] == upload["rows_in"] == 3000


EVIL = [
    "<script>alert(1)</script>", "javascript:alert(1)", "=cmd|' /C calc'!A0", "\x1b[31mred",
    "\u202egnp.exe", "<svg onload=alert(1)>", "'; DROP TABLE pairs; --", "{{7*7}}",
]  # fmt: skip


def test_f17_texts_that_are_programs_elsewhere_are_only_texts(dataset: Dataset) -> None:
    import orjson

    rows = [{"prompt": evil, "chosen": evil, "rejected": f"{evil}!", evil: evil} for evil in EVIL]
    name = "<script>alert(1)</script>\u202e.jsonl"
    upload = dataset.ingest(b"\n".join(map(orjson.dumps, rows)), filename=name)
    assert (upload["accepted"], upload["filename"]) == (len(EVIL), name)
    pairs = dataset.pairs()
    assert [pair["prompt"][0]["content"] for pair in pairs] == EVIL
    assert [pair["chosen"]["text"] for pair in pairs] == EVIL
    for path in (f"datasets/{dataset.id}/pairs", f"uploads/{upload['id']}", "datasets/<script>"):
        answer = dataset.api.get(f"/api/v1/{path}")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "json" in answer.headers["Content-Type"]


NAMES = [
    "../../x",
    "/etc/x",
    "C:\\x",
    ".",
    "..",
    "CON",
    "%2e%2e%2f",
    "a/../../b",
    "-rf",
    "~",
    "$HOME",
]


def test_f18_a_name_is_never_a_path(dataset: Dataset) -> None:
    for number, name in enumerate(NAMES):
        upload = dataset.ingest(trl(number + 1), filename=name)
        assert upload["filename"] == name
        made = dataset.api.post("/api/v1/datasets", json={"name": name})
        assert made.json()["name"] == name
    for name in ("a\0b", "x" * 300, "", "a\nb"):
        assert dataset.post(trl(1), filename=name).status_code == 422
        assert dataset.api.post("/api/v1/datasets", json={"name": name}).status_code == 422
    for path in ("..%2f..%2fetc%2fpasswd", "%2e%2e", "C:%5Cx"):
        assert dataset.api.get(f"/api/v1/datasets/{path}").status_code in (404, 422)
    file_system, root = files.path_of("uploads")
    for path in file_system.find(root):
        folder, name = Path(path).parts[-2:]
        assert (len(name), name[:2]) == (64, folder)
        assert set(name) <= set("0123456789abcdef")
    assert {entry.name for entry in os.scandir(Path(root).parent)} <= {
        "uploads", "incoming", "artifacts", "exports"
    }  # fmt: skip


class Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


def archives(canary: Path) -> list[bytes]:
    packed = [pickle.dumps(Canary(canary), protocol) for protocol in range(6)]
    array, zipped, tarred = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(array, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(zipped, "w") as archive:  # as torch.save writes, too
        archive.writestr("archive/data.pkl", packed[2])
        archive.writestr("../../escaped", "x")
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(canary)
        archive.addfile(link)
        member = tarfile.TarInfo("link/x")
        archive.addfile(member, io.BytesIO())
    return [*packed, array.getvalue(), zipped.getvalue(), tarred.getvalue(), zlib_of(packed[2])]


def zlib_of(content: bytes) -> bytes:
    """As joblib compresses."""
    import zlib

    return zlib.compress(content)


def test_f20_files_that_run_code_are_not_opened(dataset: Dataset, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for content in archives(canary):
        for packed in (content, gzip.compress(content)):
            refused = dataset.refusal(packed)
            assert refused["status"] in (415, 422), packed[:20]
            assert dataset.look(packed).status_code in (415, 422)
    field = pa.field("prompt", pa.string(), metadata={
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Canary(canary)),
    })  # fmt: skip
    table = pa.table([pa.array(["p"]), pa.array(["a"]), pa.array(["b"])], pa.schema(
        [field, pa.field("chosen", pa.string()), pa.field("rejected", pa.string())]))  # fmt: skip
    file = io.BytesIO()
    pq.write_table(table, file)
    upload = dataset.ingest(file.getvalue())
    assert upload["state"] in ("ingested", "failed")
    assert not canary.exists()
    assert not (tmp_path.parent / "escaped").exists()


def test_the_database_holds_no_half_of_a_file(dataset: Dataset) -> None:
    """After all of the above: what failed left no row."""
    dataset.refusal(b"PAR1 and then nothing")
    with db.new_session() as session:
        assert session.scalar(text("SELECT count(*) FROM records")) == 0
