"""What-if of a scored dataset by the installed command, on a running stack."""

from pathlib import Path

import orjson
import pytest

from tests.e2e.installed import Home

pytestmark = pytest.mark.e2e


def test_a_threshold_keeps_what_the_same_filter_keeps(
    stack: Home, few: Path, tmp_path: Path
) -> None:
    uploading = stack.prefsift("upload", few, "--dataset", "supposed", "--json")
    [upload] = orjson.loads(uploading.out)
    stack.prefsift("select", "supposed", "--recipe", "top_margin", "--budget", "10")
    p, out = "reward_margin.p_correct", tmp_path / "curve.svg"
    asked = ["what-if", "supposed", "--by", p, "--at", "0.5", "--at", "0.6", "--picture", out]
    told = stack.prefsift(*asked, "--cost", "$2 per 1M tokens", "--json").json
    assert (told["rows"], told["cost"]) == (upload["pairs"], "$2 per 1000000 tokens")
    query = ["query", "supposed", "--limit", "100", "--json"]
    for point in told["points"]:
        where = f"{p} >= {point['at']}"
        kept = orjson.loads(stack.prefsift(*query, "--where", where).out)
        assert point["rows_least"] <= len(kept) <= point["rows_most"]
    assert out.read_text("utf-8").startswith("<svg")
    table = stack.prefsift("what-if", "supposed", "--by", "chosen.length", "--and", p)
    assert "chosen.length ≥ … and reward_margin.p_correct ≥ …" in table.out
    wrong = stack.prefsift("what-if", "supposed", "--by", "chosen.lenght")
    assert wrong.code != 0
    assert "there are chosen.length" in wrong.err
