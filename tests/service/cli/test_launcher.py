"""The launcher's care for a home that is a folder of somebody's."""

from pathlib import Path

import pytest

from service.cli import launcher
from service.config import Settings
from service.embedded.home import EmbeddedError


def test_a_folder_that_was_never_a_home_is_not_purged(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "thesis.txt").write_text("mine")
    for end in (launcher.stop_all, launcher.purge):
        with pytest.raises(EmbeddedError, match="never used by prefsift"):
            end(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["files", "thesis.txt"]


def test_an_empty_home_variable_does_not_mean_the_working_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFSIFT_HOME", "")
    assert Settings().home == Path("~/.prefsift")


def test_a_folder_of_somebody_elses_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with pytest.raises(EmbeddedError, match="not prefsift's"):
        launcher.refuse_foreign(tmp_path)
    (tmp_path / "stack.lock").touch()
    launcher.refuse_foreign(tmp_path)
