"""Where the server's data lie, and that nothing of anybody else's is touched."""

import os
import shutil
from pathlib import Path

import pytest

from service.embedded import folders, postgres
from service.embedded import home as homes
from service.embedded.accounts import account
from service.embedded.home import EmbeddedError, open_home


def test_a_home_that_the_server_can_enter_holds_the_data(home: Path) -> None:
    home.parent.chmod(0o755)
    home.mkdir(mode=0o755)
    folder = folders.server_folder(home.resolve(), account(home))
    assert folder == home.resolve() / "postgres"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not (home / "fallback").exists()


def test_a_home_without_its_password_is_refused_not_emptied(home: Path) -> None:
    home.parent.chmod(0o755)
    home.mkdir(mode=0o755)
    (folders.server_folder(home.resolve(), account(home)) / "data").mkdir()
    with pytest.raises(EmbeddedError, match="password is missing"):
        postgres.find(home.resolve())


@pytest.mark.parametrize("name", ["x" * 120, "with space, comma & ?", "grün"])
def test_a_path_that_does_not_do_for_a_socket_has_a_fall_back(home: Path, name: str) -> None:
    long = open_home(home / name)
    folder = folders.server_folder(long, account(long))
    assert folder.parent != long
    assert folders.serves(folder)
    assert folders.recorded_fallback(long) == folder
    assert folders.server_folder(long, account(long)) == folder
    folders.purge(long)
    assert not folder.exists()
    assert not long.exists()


def test_the_fall_back_of_a_copied_home_is_another(home: Path) -> None:
    first, second = home / ("x" * 120), home / ("y" * 120)
    folder = folders.server_folder(open_home(first), account(home))
    shutil.copytree(first, second)
    assert folders.server_folder(second.resolve(), account(home)) != folder
    folders.purge(second.resolve())
    assert folder.exists()
    folders.purge(first.resolve())


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(home: Path) -> None:
    folder = folders.fallback(open_home(home), account(home))
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with pytest.raises(EmbeddedError, match="belongs to somebody else or is open to others"):
            folders.owned(folder, account(home))
        assert folder.stat().st_mode & 0o777 == 0o777
    finally:
        folder.rmdir()


def test_what_a_deleted_home_left_is_put_aside_and_purged(home: Path) -> None:
    long = home / ("x" * 120)
    first = postgres.start(long)
    folder = folders.known_folder(long.resolve())
    shutil.rmtree(long)
    assert postgres.start(long) != first
    assert len(postgres.postmasters(folder / "data")) == 1
    assert len(list(folder.parent.glob(f"{folder.name}.orphan-*"))) == 1
    postgres.stop(long)
    folders.purge(long.resolve())
    assert not list(folder.parent.glob(f"{folder.name}*"))


@pytest.mark.parametrize("place", ["/proc/prefsift", "/dev/null/prefsift"])
def test_a_folder_that_cannot_be_written_is_a_clear_error(place: str) -> None:
    with pytest.raises(EmbeddedError, match=f"can't write to {place} .*: set PREFSIFT_HOME"):
        postgres.start(Path(place))


def test_purge_leaves_what_is_not_ours(home: Path) -> None:
    (open_home(home) / "thesis.tex").write_text("mine")
    (home / "logs").mkdir()
    folders.purge(home.resolve())
    assert [path.name for path in home.iterdir()] == ["thesis.tex"]
    (home / "thesis.tex").unlink()


def test_a_lock_whose_file_was_removed_is_taken_anew(home: Path) -> None:
    home = open_home(home)
    with homes.locked(home, "stack"):
        (home / "stack.lock").unlink()
        with homes.locked(home, "stack"):
            assert (home / "stack.lock").exists()


def test_the_servers_user_is_chosen_once(home: Path) -> None:
    home = open_home(home)
    if os.geteuid() != 0:
        assert account(home) is None
        return
    (home / "server.user").write_text("nobody\n")
    chosen = account(home)
    assert chosen is not None
    assert chosen.pw_name == "nobody"
