"""A tokenizer is taken from allowed folders and the hub's cache only, and runs no code."""

import socket
import sys
from pathlib import Path

import orjson
import pytest

from service.export.tokenizers import ModelNotAllowed, find, load_tokenizer
from tests.service.export import tiny_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    tiny_tokenizer.save(tmp_path / "models" / "tiny")
    return tmp_path / "models"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be asked: an attempt to connect fails the test."""

    def connect(*_: object) -> None:
        pytest.fail("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", connect)


def test_a_folder_is_found_by_name_and_by_path(folder: Path) -> None:
    assert find("tiny", [folder]) == find(str(folder / "tiny"), [folder]) == folder / "tiny"
    assert load_tokenizer("tiny", [folder]).has_template


@pytest.mark.parametrize(
    "name",
    [
        "evil/repo",
        "/etc",
        "/etc/passwd",
        "../outside",
        "outside",
        "",
        "a/b/c",
        "~/x",
        "\0",
        "a" * 999,
    ],
)
def test_anything_else_is_refused(folder: Path, name: str) -> None:
    tiny_tokenizer.save(folder.parent / "outside")
    with pytest.raises(ModelNotAllowed) as error:
        find(name, [folder])
    assert error.value.problem()["code"] == "model_not_allowed"
    assert error.value.problem()["status"] == 422


def test_a_link_that_leads_out_of_the_folder_is_refused(folder: Path) -> None:
    tiny_tokenizer.save(folder.parent / "outside")
    (folder / "link").symlink_to(folder.parent / "outside")
    with pytest.raises(ModelNotAllowed):
        find("link", [folder])


@pytest.mark.parametrize("key", ["auto_map", "_attn_implementation_internal"])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_configuration_that_names_code_is_refused(folder: Path, file: str, key: str) -> None:
    """F21: the module that lies there is not imported."""
    path = folder / "tiny" / file
    given = orjson.loads(path.read_bytes()) if path.exists() else {}
    path.write_bytes(orjson.dumps(given | {key: {"AutoTokenizer": ["smuggled.Smuggled", None]}}))
    (folder / "tiny" / "smuggled.py").write_text("raise SystemExit('imported')")
    with pytest.raises(ModelNotAllowed):
        load_tokenizer("tiny", [folder])
    assert not any("smuggled" in module for module in sys.modules)


def test_a_tokenizer_in_the_hubs_cache_is_found_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "models--me--tiny"
    tiny_tokenizer.save(repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert find("me/tiny", [tmp_path / "none"]) == repo / "snapshots" / "abc"
