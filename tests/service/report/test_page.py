import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from markupsafe import escape
from rich.console import Console

from service.report import page, terminal, words
from service.report.report import Report
from tests.service.export.folders import HOSTILE, evaluation, report, rows


def render(texts: str = "plain") -> str:
    return page.render(report(rows(20), texts))


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = render()
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)", text)


def test_the_same_report_gives_the_same_page_without_a_date() -> None:
    first = render()
    assert first == render()
    assert "<dc:date>" not in first


@pytest.mark.parametrize("texts", HOSTILE.values(), ids=HOSTILE)
def test_texts_are_escaped(texts: str) -> None:
    text = render(texts)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert str(escape(texts)) in text


@pytest.mark.parametrize(
    ("found", "answer", "sentence"),
    [
        (evaluation(True), "yes", "Yes: better than random (+4.0 points [+1.0, +7.0]"),
        (evaluation(False), "no", "No better than random"),
        (evaluation(None), "can't tell", "Can't tell whether it is better than random"),
        ({"reason": "12 pairs are too few"}, "can't tell", "Can't tell: 12 pairs are too few."),
        (None, "can't tell", "Not evaluated"),
    ],
)
def test_the_verdict_is_in_plain_words(found: object, answer: str, sentence: str) -> None:
    assert words.short_verdict(found) == answer  # pyright: ignore[reportArgumentType]
    assert sentence in words.verdict(found)  # pyright: ignore[reportArgumentType]


def test_the_figures_of_a_fits_parts_are_shown_as_their_range() -> None:
    found = {
        "oof_accuracy": 0.641,
        "oof_accuracy_words": 0.6,
        "oof_accuracy_style": 0.62,
        "n": 2312,
    }
    assert words.metrics(found) == ("n 2,312, oof accuracy 0.641 (of its parts 0.600 to 0.620)")


def test_a_warning_stands_beside_the_verdict() -> None:
    assert "Caution: only 40 pairs." in words.verdict({**evaluation(), "warning": "only 40 pairs"})


def shown(found: Report) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal.render(found.model_dump(mode="json")))
    return " ".join(console.export_text().split())


def test_reasons_are_in_words() -> None:
    assert words.reason("gate:p_correct") == "left out by its p_correct"
    assert words.reason("missing:margin") == "no value for margin"
    assert words.reason("over_budget") == "scored lower than the pairs kept"


def test_what_a_gate_gains_is_told_apart_where_there_is_one() -> None:
    heads = {"independent": {"accuracy": 0.6, "difference": {"mean": 0.01, "low": 0, "high": 0.02}}}
    gated = {**evaluation(), "behind_gate": {"could_take": 0.85, "heads": heads}}
    with_gate = report(rows(20)).model_copy(update={"evaluation": gated})
    for text in (shown(with_gate), page.render(with_gate)):
        assert "could have taken 85.0 % of the pairs" in text
        assert "+1.0 points [+0.0, +2.0]" in text
    assert "could have taken" not in shown(report(rows(20))) + render()


def test_the_terminal_shows_the_same_numbers() -> None:
    text = shown(report(rows(20)))
    assert "Better than random? yes" in text
    assert "62.0 % [60.0 %, 64.0 %]" in text
    assert "accuracy 0.610" in text


def test_a_report_without_evaluation_renders_everywhere() -> None:
    bare = report(rows(1)).model_copy(update={"evaluation": None, "margins": None})
    assert "Not evaluated" in page.render(bare)
    Console(file=io.StringIO()).print(terminal.render(bare.model_dump(mode="json")))


@pytest.mark.browser
def test_a_browser_shows_planted_markup_as_text_and_opens_no_dialog(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(render(HOSTILE["script"]), "utf-8")
    chromium = os.environ.get("CHROME") or shutil.which("chromium") or "chromium"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/u",
        "--virtual-time-budget=2000", "--dump-dom", f"file://{tmp_path}/report.html",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "&lt;script&gt;alert('planted')&lt;/script&gt;" in done.stdout
    assert "<script" not in done.stdout
    assert "better than random" in done.stdout.lower()
