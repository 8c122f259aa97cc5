"""`prefsift curate` with files that nobody would make on purpose."""

from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.installed import Home

pytestmark = pytest.mark.e2e

GOOD = '{"prompt": "What is %d + 1?", "chosen": "It is %d.", "rejected": "No idea %d."}'
HOSTILE = {
    "nul": r'{"prompt": "a\u0000b", "chosen": "c", "rejected": "d"}',
    "surrogate": r'{"prompt": "\ud800", "chosen": "c", "rejected": "d"}',
    "not a number": '{"prompt": "a", "chosen": "c", "rejected": "d", "margin": NaN}',
    "too large a number": '{"prompt": "a", "chosen": "c", "rejected": "d", "margin": 1e999}',
    "deep": "[" * 100_000,
    "equal": '{"prompt": "a", "chosen": "c", "rejected": "c"}',
    "no object": '"only a string"',
}


def good(number: int) -> str:
    return GOOD % (number, number + 1, number)


def test_hostile_lines_are_rejects_and_the_rest_is_taken(stack: Home, tmp_path: Path) -> None:
    path, out = tmp_path / "hostile.jsonl", tmp_path / "out"
    lines = [*map(good, range(5)), *HOSTILE.values(), *map(good, range(5, 10))]
    path.write_text("\n".join(lines))
    done = stack.prefsift(
        "curate", path, "--recipe", "random", "--budget", "4", "--out", out, "--json"
    )
    found = done.json
    assert (found["rows_in"], found["rejected"], found["pairs"], found["kept"]) == (17, 7, 10, 4)
    rejects = [orjson.loads(line) for line in (out / "rejects.jsonl").read_bytes().splitlines()]
    assert [reject["line"] for reject in rejects] == list(range(6, 13))
    assert all(reject["code"] and reject["message"] for reject in rejects)
    assert "7 of 17 lines were rejected" in done.err


def test_strict_refuses_a_file_with_one_bad_line(stack: Home, tmp_path: Path) -> None:
    path = tmp_path / "one-bad.jsonl"
    path.write_text("\n".join([good(1), HOSTILE["nul"], good(2)]))
    done = stack.prefsift("curate", path, "--strict", "--out", tmp_path / "out")
    assert done.code == 3
    assert not (tmp_path / "out").exists()


def test_one_line_is_enough(stack: Home, tmp_path: Path) -> None:
    path, out = tmp_path / "one.jsonl", tmp_path / "out"
    path.write_text(good(1))
    found = stack.prefsift("curate", path, "--recipe", "fifa", "--out", out, "--json").json
    assert (found["rows_in"], found["pairs"], found["kept"]) == (1, 1, 1)
    assert found["evaluation"].keys() == {"reason"}


def test_thirty_times_the_same_texts_is_survived(stack: Home, tmp_path: Path) -> None:
    path, out = tmp_path / "same.jsonl", tmp_path / "out"
    path.write_text("\n".join([good(1)] * 30))
    found = stack.prefsift("curate", path, "--recipe", "fifa", "--out", out, "--json").json
    assert (found["rows_in"], found["rejected"]) == (30, 0)
    assert 1 <= found["kept"] <= 3


def test_several_files_are_one_dataset_and_their_own_repetition_changes_nothing(
    stack: Home, tmp_path: Path
) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.parquet"]
    paths[0].write_text("\n".join(map(good, range(5))))
    rows = [orjson.loads(good(number)) for number in range(5, 12)]
    pq.write_table(pa.Table.from_pylist(rows), paths[1])
    words = ["--recipe", "random", "--budget", "50%", "--json", "--out", tmp_path / "out"]
    for files in (paths, [*paths, paths[0]]):
        found = stack.prefsift("curate", *files, *words).json
        assert (found["rows_in"], found["pairs"], found["kept"]) == (12, 12, 6)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.jsonl", b"", "no decided pair"),
        ("blank.jsonl", b"\n\n \n", "no decided pair"),
        ("equal.jsonl", (HOSTILE["equal"] + "\n").encode() * 5, "no decided pair"),
        ("unknown.jsonl", b'{"question": "x"}\n', "layout"),
        ("cut.parquet", b"PAR1 and then nothing", "parquet"),
        ("cut.jsonl.gz", b"\x1f\x8b\x08\x00 and then nothing", "damaged"),
    ],
)
def test_a_file_without_pairs_is_an_error_that_says_why(
    stack: Home, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = stack.prefsift("curate", tmp_path / name, "--out", tmp_path / "out")
    assert done.code == 1
    assert said in done.err.lower()
    assert not (tmp_path / "out").exists()
