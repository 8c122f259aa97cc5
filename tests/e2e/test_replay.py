"""`prefsift replay` and `prefsift diff` as a user runs them."""

from pathlib import Path

import orjson
import pytest

from tests.e2e.installed import Home

pytestmark = pytest.mark.e2e
WANTED = ("--recipe", "random", "--budget", "25")


def test_an_export_is_made_again_and_compared(stack: Home, few: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    assert stack.prefsift("upload", few, "--dataset", "mine").code == 0
    subset = stack.prefsift("select", "mine", *WANTED, "--seed", "3").json["id"]
    assert stack.prefsift("export", subset, "--out", out).code == 0
    before = orjson.loads(stack.prefsift("datasets").out)
    done = stack.prefsift("replay", out / "manifest.json", "--data", few)
    assert done.code == 0, done.out + done.err
    assert "the same bytes in all" in done.out
    assert stack.prefsift("replay", out, "--json").json == {"same": True, "changes": []}
    assert orjson.loads(stack.prefsift("datasets").out) == before
    second = stack.prefsift("select", "mine", *WANTED, "--seed", "4").json["id"]
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
