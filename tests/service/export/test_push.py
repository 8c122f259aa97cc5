"""Pushing to a hub, through a socket: byte-equal, resumed, all or nothing, no token left behind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from typer.testing import CliRunner, Result

from service.cli.main import build
from service.export.push import Target, push
from tests.service.export.folders import rows, write
from tests.service.intake.hub_commits import TOKEN, WritableHub, writable_hub

pytestmark = pytest.mark.usefixtures("_own_cache")


@pytest.fixture
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "out", rows(40))
    return tmp_path / "out"


@pytest.fixture
def hub() -> Iterator[WritableHub]:
    with writable_hub() as server:
        yield server


def pushed(hub: WritableHub, folder: Path, *more: str, token: str = TOKEN) -> Result:
    words = ["push", str(folder), "--repo", "me/pairs", "--endpoint", hub.url, *more]
    env = {"HF_TOKEN": "", "MINE": token, "COLUMNS": "200"}
    return CliRunner().invoke(build("push"), [*words, "--token-env", "MINE"], env=env)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_file_of_the_manifest_arrives_byte_for_byte(
    hub: WritableHub, folder: Path, tmp_path: Path
) -> None:
    expected = contents(folder)
    (folder / "notes.txt").write_text("mine")
    done = pushed(hub, folder, "--private", "--json")
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["files"], said["bytes"]) == (len(expected), sum(map(len, expected.values())))
    repository = hub.repositories["me/pairs"]
    assert repository.private
    assert repository.files["main"] == expected
    assert {token for _, token in hub.seen} == {f"Bearer {TOKEN}"}
    for name, content in repository.files["main"].items():
        (tmp_path / "back" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "back" / name).write_bytes(content)
    loaded = datasets.load_dataset(str(tmp_path / "back"), cache_dir=str(tmp_path / "cache"))
    assert sum(map(len, loaded.values())) == 80


def test_an_interrupted_push_goes_on_where_it_stopped(hub: WritableHub, folder: Path) -> None:
    target = Target("me/pairs", TOKEN, hub.url)

    def stop(_: int) -> None:
        if hub.stored:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(folder, target, stop)
    assert len(hub.puts) == 1
    assert hub.repositories["me/pairs"].commits == 0
    sizes: list[int] = []
    push(folder, target, sizes.append)
    assert len(hub.puts) == len({*hub.puts}) == 2  # the train file, then only the test file
    assert hub.repositories["me/pairs"].files["main"] == contents(folder)
    assert sum(sizes) == sum(map(len, contents(folder).values()))


def test_a_connection_that_breaks_is_tried_again(hub: WritableHub, folder: Path) -> None:
    hub.cut = 1
    assert pushed(hub, folder).exit_code == 0
    assert len(hub.puts) == 3
    assert hub.repositories["me/pairs"].files["main"] == contents(folder)


@pytest.mark.parametrize("where", ["/commit/", "/lfs/", "/preupload/", "objects/batch"])
def test_a_refusal_leaves_the_repository_as_it_was(
    hub: WritableHub, folder: Path, where: str
) -> None:
    assert pushed(hub, folder).exit_code == 0
    before = dict(hub.repositories["me/pairs"].files["main"])
    again = folder.with_name("again")
    write(again, rows(60))
    hub.refuse[where] = 403
    done = pushed(hub, again, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] in ("hub_refused", "hub_unreachable")
    assert TOKEN not in done.output
    assert hub.repositories["me/pairs"].files["main"] == before
    hub.refuse.clear()
    assert pushed(hub, again).exit_code == 0
    assert hub.repositories["me/pairs"].files["main"] == contents(again)


def test_data_of_an_earlier_export_goes_and_data_of_others_is_refused(
    hub: WritableHub, folder: Path
) -> None:
    assert pushed(hub, folder).exit_code == 0
    files = hub.repositories["me/pairs"].files["main"]
    files |= {"data/train-00001-of-00002.parquet": b"old", "NOTES.md": b"kept"}
    done = pushed(hub, folder, "--json")
    assert json.loads(done.stdout)["deleted"] == ["data/train-00001-of-00002.parquet"]
    assert hub.repositories["me/pairs"].files["main"] == {**contents(folder), "NOTES.md": b"kept"}
    hub.repositories["me/pairs"].files["main"] = {"data/theirs.csv": b"1"}
    done = pushed(hub, folder)
    assert "name a new repository" in str(done.exception)
    assert hub.repositories["me/pairs"].files["main"] == {"data/theirs.csv": b"1"}


def test_a_private_push_refuses_a_public_repository(hub: WritableHub, folder: Path) -> None:
    assert pushed(hub, folder).exit_code == 0
    commits = hub.repositories["me/pairs"].commits
    done = pushed(hub, folder, "--private")
    assert "is public" in str(done.exception)
    assert hub.repositories["me/pairs"].commits == commits


def test_another_branch_leaves_main_alone(hub: WritableHub, folder: Path) -> None:
    assert pushed(hub, folder, "--revision", "v1").exit_code == 0
    assert hub.repositories["me/pairs"].files == {"main": {}, "v1": contents(folder)}


def test_a_changed_folder_is_not_sent(hub: WritableHub, folder: Path) -> None:
    (folder / "README.md").write_text("changed")
    done = pushed(hub, folder)
    assert "README.md sha256" in str(done.exception)
    assert hub.seen == []


def test_no_token_is_said_before_anything_is_sent(hub: WritableHub, folder: Path) -> None:
    done = pushed(hub, folder, token="")
    assert done.exit_code == 2
    assert "MINE is not set" in done.output
    wrong = pushed(hub, folder, token="hf_wrong")
    assert wrong.exit_code == 1
    assert "hf_wrong" not in wrong.output + str(wrong.exception)


def test_the_token_is_in_no_file(hub: WritableHub, folder: Path, tmp_path: Path) -> None:
    assert pushed(hub, folder).exit_code == 0
    assert not any(TOKEN.encode() in content for content in contents(tmp_path).values())


def test_what_is_neither_a_folder_nor_an_export_is_said(hub: WritableHub, tmp_path: Path) -> None:
    done = pushed(hub, tmp_path / "missing")
    assert done.exit_code == 2
    assert "neither a folder nor the id of an export" in done.output
    assert hub.seen == []
