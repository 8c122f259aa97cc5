"""report.html of an audit in a browser: no error, no script, and the planted markup is text."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from service.audit.run import audit, write_folder
from tests.service.audit.planted import two_tastes, written

HOSTILE = "<script>alert('planted')</script><img src=x onerror=alert(1)>"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    rows = two_tastes()
    rows[0]["messages"][0]["content"] += HOSTILE
    rows[1]["comparisons"][0]["annotator"] = HOSTILE
    rows[2]["metadata"]["topic"] = HOSTILE
    rows[3]["responses"][0]["text"] += HOSTILE
    path = written(rows, tmp_path / "in.jsonl")
    path.write_text(path.read_text() + f'{{"prompt": "{HOSTILE}"\n')
    write_folder(audit([path], embed=False), tmp_path / "out")
    return tmp_path / "out" / "report.html"


def test_markup_in_the_data_stays_text(page: Path) -> None:
    text = page.read_text()
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(&#39;planted&#39;)" in text


@pytest.mark.browser
def test_a_browser_opens_it_without_an_error_and_shows_every_part(
    page: Path, tmp_path: Path
) -> None:
    chromium = os.environ.get("CHROME") or shutil.which("chromium") or "chromium"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        f"--user-data-dir={tmp_path}/u", "--virtual-time-budget=2000", "--dump-dom",
        f"file://{page}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "CONSOLE" not in done.stderr
    assert "<script" not in done.stdout
    for part in (
        "What these labels are worth", "Who the good annotators are", "reliability by topic",
        "Reliability by aspect", "Annotators of like mind", "by group", "Judged in both orders",
        "Ratings against comparisons", "Where principles agree", "What could not be read",
        "Look at these first",
    ):  # fmt: skip
        assert part in done.stdout
    assert done.stdout.count("<svg") == 4
