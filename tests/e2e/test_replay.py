"""`prefsift export`, `push`, `replay` and `diff` as a user runs them."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from service.export import manifest
from service.export.verify import verify
from tests.e2e.installed import Home
from tests.service.intake.hub_commits import TOKEN, writable_hub

pytestmark = pytest.mark.e2e
WANTED = ("--recipe", "random", "--budget", "25")


def test_an_export_is_made_again_and_compared(stack: Home, few: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    assert stack.prefsift("upload", few, "--dataset", "mine").code == 0
    subset = stack.prefsift("select", "mine", *WANTED, "--seed", "3", "--json").json["id"]
    assert stack.prefsift("export", subset, "--out", out).code == 0
    before = orjson.loads(stack.prefsift("datasets", "--json").out)
    done = stack.prefsift("replay", out / "manifest.json", "--data", few)
    assert done.code == 0, done.out + done.err
    assert "the same bytes in all" in done.out
    assert stack.prefsift("replay", out, "--json").json == {"same": True, "changes": []}
    assert orjson.loads(stack.prefsift("datasets", "--json").out) == before
    second = stack.prefsift("select", "mine", *WANTED, "--seed", "4", "--json").json["id"]
    found = stack.prefsift("diff", out, second, "--json").json
    assert found["added"] == found["removed"] > 0
    assert found["kept"] + found["added"] == 25
    assert stack.prefsift("diff", out, out, "--exit-code").code == 0
    assert stack.prefsift("diff", subset, second, "--json").json["added"] == found["added"]
    other.write_bytes(few.read_bytes().replace(b"a", b"b", 1))
    refused = stack.prefsift("replay", out, "--data", other)
    assert refused.code == 1
    assert "no given file has the sha256" in refused.err
    described = orjson.loads((out / "manifest.json").read_bytes())
    (out / "manifest.json").write_bytes(orjson.dumps({**described, "seed": 4}))
    done = stack.prefsift("replay", out, "--json")
    assert done.code == 1
    changes = orjson.loads(done.out)["changes"]
    said = {(each["what"], each["name"]): each["message"] for each in changes}
    assert {("seed", "report.seed"), ("pairs", "added")} <= said.keys()
    assert said["file", "data/train-00000-of-00001.parquet"].startswith("row ")


def mixed(path: Path) -> Path:
    """24 prompts: ann's judgments, which differ on every fourth, or a thumb alone."""
    rows: list[dict[str, Any]] = []
    for i in range(24):
        said: dict[str, Any] = {
            "id": f"q{i}",
            "messages": [{"role": "user", "content": f"What is {i} times {i * i}?"}],
            "responses": [{"id": "x", "text": f"It is {i**3}"}, {"id": "y", "text": "No idea"}],
        }
        if i % 6 == 5:
            thumb = {"response": "x", "value": 1, "scale": [0, 1]}
            rows.append({**said, "responses": said["responses"][:1], "ratings": [thumb]})
            continue
        compared = [
            {"a": "x", "b": "y", "outcome": outcome, "annotator": "ann"}
            for outcome in ("a", "a", "b" if i % 4 == 3 else "a")
        ]
        rows.append({**said, "comparisons": compared})
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return path


def test_a_dataset_leaves_by_a_filter_goes_to_a_hub_by_its_id_and_is_made_again(
    stack: Home, tmp_path: Path
) -> None:
    data, out = mixed(tmp_path / "mixed.jsonl"), tmp_path / "native"
    assert stack.prefsift("upload", data, "--dataset", "filtered").code == 0
    wanted = ["--layout", "native", "--where", "agreement = 1", "--out", out]
    found = stack.prefsift("export", "filtered", *wanted, "--json").json
    described = manifest.load(out)
    assert (found["rows"], described["recipe"]["where"]) == (16, "agreement = 1")
    assert verify(out) == []
    with writable_hub() as hub:
        push = ["push", found["id"], "--repo", "me/records", "--endpoint", hub.url, "--private"]
        done = stack.prefsift(*push, "--json", HF_TOKEN=TOKEN)
        repository = hub.repositories["me/records"]
    files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    expected = {name: path.read_bytes() for name, path in files.items()}
    assert (repository.private, repository.files["main"]) == (True, expected)
    assert done.json["files"] == len(expected)
    assert TOKEN not in done.out + done.err
    assert stack.prefsift("replay", out, "--data", data, "--json").json["same"]


def test_what_a_layout_can_not_say_is_left_out_when_asked(stack: Home, tmp_path: Path) -> None:
    data, out = mixed(tmp_path / "mixed.jsonl"), tmp_path / "out"
    assert stack.prefsift("upload", data, "--dataset", "leaving").code == 0
    wanted = ["export", "leaving", "--layout", "trl_thumbs", "--test-fraction", "0", "--out", out]
    refused = stack.prefsift(*wanted)
    assert (refused.code, out.exists()) == (1, False)
    assert "the layout can't say what the row holds" in refused.err
    assert stack.prefsift(*wanted, "--leave-out", "--json").json["rows"] == 4
    assert "Left out: 20 records." in (out / "README.md").read_text("utf-8")
    assert verify(out) == []


def test_a_replay_of_what_was_erased_says_so(stack: Home, tmp_path: Path) -> None:
    data, out = mixed(tmp_path / "mixed.jsonl"), tmp_path / "out"
    assert stack.prefsift("upload", data, "--dataset", "erased").code == 0
    wanted = ["--layout", "native", "--where", "agreement = 1", "--out", out]
    assert stack.prefsift("export", "erased", *wanted, "--json").json["rows"] == 16
    assert stack.prefsift("erase", "erased", "--annotator", "ann", "--yes").code == 0
    done = stack.prefsift("replay", out, "--dataset", "erased", "--json")
    assert done.code == 1
    first, *_, last = orjson.loads(done.out)["changes"]
    assert (first["what"], first["name"]) == ("labels", "annotators")
    assert last["message"].startswith("can't be made again: export failed")
