"""The folder that --out names: what may be replaced, and how."""

from pathlib import Path

import pytest
import typer

from service.cli import destination
from service.export import manifest


def export_in(folder: Path, name: str = "data.txt") -> Path:
    folder.mkdir()
    (folder / name).write_text("rows")
    described = {"format": manifest.FORMAT, "files": {name: {}}}
    (folder / manifest.NAME).write_bytes(manifest.dump(described))
    return folder


def replace(out: Path, text: str, late: Path | None = None) -> None:
    with destination.staged(destination.check(out)) as fresh:
        export_in(fresh / "sub").rename(fresh / "kept")
        (fresh / "new.txt").write_text(text)
        if late:
            late.write_text("late")


@pytest.mark.parametrize("exists", [True, False])
def test_a_missing_or_empty_folder_is_filled(tmp_path: Path, exists: bool) -> None:
    out = tmp_path / "deep" / "out"
    if exists:
        out.mkdir(parents=True)
    replace(out, "now")
    assert (out / "new.txt").read_text() == "now"
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_earlier_export_is_exchanged_as_a_whole(tmp_path: Path) -> None:
    out = export_in(tmp_path / "out")
    replace(out, "now")
    assert sorted(path.name for path in out.iterdir()) == ["kept", "new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_folders_swap_also_where_the_kernel_does_not_offer_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = export_in(tmp_path / "one", "1"), export_in(tmp_path / "other", "2")

    def without_renameat2(*_: object, **__: object) -> None:
        """A C library that has no such function."""

    monkeypatch.setattr(destination.ctypes, "CDLL", without_renameat2)
    destination.exchange(one, other)
    assert ((one / "2").exists(), (other / "1").exists()) == (True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]


def test_whatever_else_is_there_is_refused_and_left_alone(tmp_path: Path) -> None:
    plain, foreign = tmp_path / "plain", export_in(tmp_path / "foreign")
    plain.write_text("a file")
    (foreign / "mine.txt").write_text("mine")
    other = tmp_path / "other"
    other.mkdir()
    (other / manifest.NAME).write_text('{"format": "somebody else\'s"}')
    for out in (plain, foreign, other):
        with pytest.raises(typer.BadParameter):
            destination.check(out)
    assert (foreign / "mine.txt").read_text() == "mine"


def test_a_file_that_appears_while_the_work_goes_on_is_not_lost(tmp_path: Path) -> None:
    out = export_in(tmp_path / "out")
    with pytest.raises(typer.BadParameter):
        replace(out, "new", late=out / "late.txt")
    assert (out / "late.txt").read_text() == "late"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_work_that_fails_leaves_the_earlier_export_as_it_was(tmp_path: Path) -> None:
    out = export_in(tmp_path / "out")
    with pytest.raises(KeyboardInterrupt), destination.staged(out):
        raise KeyboardInterrupt
    assert (out / "data.txt").read_text() == "rows"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
