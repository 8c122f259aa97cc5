"""An audit of a dataset by the installed command, and the review that begins with it."""

from pathlib import Path

import pytest

from tests.e2e.installed import Home

pytestmark = pytest.mark.e2e
OPTIONS = ("--no-embed", "--seed", "3")


def test_a_dataset_is_audited_as_its_file_is_and_then_reviewed(
    stack: Home, few: Path, tmp_path: Path
) -> None:
    assert stack.prefsift("upload", few, "--dataset", "audited").code == 0
    early = stack.prefsift("review", "audited")
    assert early.code == 1
    assert "prefsift audit --dataset" in early.err
    one, two = tmp_path / "one", tmp_path / "two"
    done = stack.prefsift("audit", "--dataset", "audited", "--out", one, *OPTIONS)
    assert done.code == 0, done.err
    assert "pairs: " in done.err
    assert stack.prefsift("audit", few, "--out", two, *OPTIONS).code == 0
    assert (one / "pairs.parquet").is_file()
    for name in ("report.json", "report.html"):  # a dataset knows the name of a file, not its place
        of_file = (two / name).read_bytes().replace(str(few).encode(), few.name.encode())
        assert (one / name).read_bytes() == of_file, name
    assert stack.prefsift("review", "audited").code == 0
    both = stack.prefsift("audit", few, "--dataset", "audited", "--out", tmp_path / "three")
    assert both.code == 2
    assert stack.prefsift("audit", "--out", tmp_path / "four").code == 2
