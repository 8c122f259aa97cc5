"""The command: tables of 80 columns, pictures, and files without a server."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from curation.thresholds.binning import equal_mass
from curation.thresholds.quantities import PairColumns, quantity_names
from curation.thresholds.sketch import Sketch
from service.cli.main import build
from service.cli.what_if import tell
from service.errors import Invalid
from service.what_if.answering import answered
from service.what_if.asked import Given, Numbers, checked
from service.what_if.files import told_of
from service.what_if.picture import draw
from service.what_if.stored import Told, read, write

NAMES = ["reward_margin.margin_mean", "reward_margin.p_correct", "chosen.length"]


def made(n: int, *fields: str) -> Told:
    """A million-token set of two sources; values lie evenly between 0 and 1."""
    rng = np.random.default_rng(0)
    p = rng.random(n)
    rows = PairColumns(
        np.full(n, 400.0), np.arange(n, dtype=np.float64), np.full(n, n / 4),
        (np.arange(n) % 3 > 0).astype(np.int64),
        {NAMES[0]: 2 * p - 1}, {NAMES[1]: p},
    )  # fmt: skip
    sources = ["a-very-long-name-of-a-file.jsonl", "b.jsonl"]
    cuts = {NAMES[1]: p, NAMES[2]: np.arange(n, dtype=np.float64)}
    names = quantity_names(NAMES[:1], NAMES[1:2], sources)
    sketch = Sketch.empty(fields, [equal_mass(cuts[name], 50) for name in fields], names)
    sketch.add([cuts[name] for name in fields], rows.table(2))
    return Told(sketch, {NAMES[1]: 0.1}, NAMES[0], sources)


def answer(told: Told, **query: Any) -> dict[str, Any]:
    asked = checked(Numbers(NAMES, [NAMES[1]]), Given(told.sketch.fields[0], **query))
    return {"job": None, **answered(told, asked)}


def test_a_table_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    for told in (
        answer(made(2500, NAMES[1]), cost="$20 per 1M tokens", rate=0.2),
        answer(made(2500, NAMES[1], NAMES[2]), also=NAMES[2], cost="$20 per 1M tokens", rate=0.2),
    ):
        tell(told)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines)
        assert "$20.00" in text  # a million tokens
        assert "…" not in text.replace("≥ …", "").replace("a-very-long-n…", "")
        assert "doubt: mean of 1 - reward_margin.p_correct" in " ".join(text.split())


def test_noise_and_money_of_a_known_set_are_right() -> None:
    found = answer(made(2500, NAMES[1]), at=[0.5, 0.9], cost="$20 per 1M tokens", rate=0.0)
    half, tenth = found["points"]
    assert half["doubt"] == pytest.approx(0.25, abs=0.02)
    assert tenth["doubt"] == pytest.approx(0.05, abs=0.01)
    assert (half["noise"], found["noise"]["given"]) == (0, True)
    assert half["cost"] + half["saved"] == pytest.approx(20)
    assert half["margin"] == pytest.approx(1 - 2 * half["doubt"])
    assert sum(half["sources"].values()) == pytest.approx(half["rows"], abs=1)
    low = answer(made(2500, NAMES[1]), at=[0.5], keep="low")
    assert low["points"][0]["doubt"] == pytest.approx(0.75, abs=0.02)
    assert (low["noise"]["rate"], low["noise"]["given"]) == (0.1, False)
    assert low["points"][0]["noise"] > low["all"]["noise"] > half["noise"]


def test_a_stored_sketch_is_read_back_as_it_was() -> None:
    told = made(300, NAMES[1], NAMES[2])
    again = read(write(told))
    assert again is not None
    assert again[1:] == told[1:]
    query: dict[str, Any] = {"also": NAMES[2], "points": 4}
    assert answer(again, **query) == answer(told, **query)


def test_pictures_are_the_same_bytes_for_the_same_answer() -> None:
    curve = answer(made(500, NAMES[1]))
    grid = answer(made(500, NAMES[1], NAMES[2]), also=NAMES[2])
    for told, word in ((curve, "rows kept"), (grid, "wrong labels")):
        assert draw(told) == draw(told)
        assert word in draw(told)
    assert "chosen.length" in draw(grid)


def test_a_file_is_scored_and_answered_without_a_server(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"What of {i}?", "chosen": f"Good {i} " * (1 + i % 7), "rejected": f"bad {i}"}
        for i in range(24)
    ]
    path, picture = tmp_path / "pairs.jsonl", tmp_path / "curve.svg"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    words = [str(path), "--by", "chosen.length", "--at", "20", "--json", "--picture", str(picture)]
    done = CliRunner().invoke(build("what-if"), ["what-if", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told = orjson.loads(done.stdout)
    exact = sum(len(row["chosen"].strip()) >= 20 for row in rows)
    [point] = told["points"]
    assert point["rows_least"] <= exact <= point["rows_most"]
    assert point["longer"] == 1
    assert 0 < point["doubt"] < 1
    assert "at the most" in told["noise"]["meaning"]
    assert point["sources"] == {"pairs.jsonl": point["rows"]}
    assert picture.read_text("utf-8").startswith("<svg")
    with pytest.raises(Invalid, match="no signal that reads texts alone"):
        told_of([path], Given("label_em.p_correct"), None)
