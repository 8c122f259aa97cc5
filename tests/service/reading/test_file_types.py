"""Files that run code, hold other files or are no data are told by their content."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from service.errors import Invalid, UnsupportedFile
from tests.service.reading.test_reading import codes, read, zstd


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def archives(canary: Path) -> dict[str, bytes]:
    planted = Planted(canary)
    found = {f"pickle {n}": pickle.dumps(planted, n) for n in range(6)}
    found["joblib, zlib"] = zlib.compress(pickle.dumps(planted))
    for name, legacy in ((".pt", False), ("legacy .pt", True)):
        file = io.BytesIO()
        torch.save(planted, file, _use_new_zipfile_serialization=not legacy)
        found[name] = file.getvalue()
    file = io.BytesIO()
    np.save(file, np.array([planted], object), allow_pickle=True)
    found[".npy"] = file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("../../canary", "x")
    found["zip"] = file.getvalue()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    found["tar"] = file.getvalue()
    found["bz2"], found["xz"] = bz2.compress(b'{"a": 1}'), lzma.compress(b'{"a": 1}')
    return found


def test_archives_and_pickles_are_not_read_packed_or_not(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name, content in archives(canary).items():
        for packed in (content, gzip.compress(content), zstd(content)):
            with pytest.raises(UnsupportedFile) as error:
                read(packed)
            assert error.value.code == "unsupported_file", name
    assert not canary.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html>",
        b"\n <html><body>Sign in</body>",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
        b"<svg onload=alert(1)>",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"%PDF-1.7",
        b"SQLite format 3\0",
        b"\x89HDF\r\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ],
)
def test_pages_and_images_are_not_read(content: bytes) -> None:
    with pytest.raises(UnsupportedFile):
        read(content)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("text", ['{"prompt": "x"}\n', "prompt,chosen\np,c\n", '[{"a": "x"}]'])
def test_other_encodings_are_named(encoding: str, text: str) -> None:
    with pytest.raises(Invalid) as error:
        read(text.encode(encoding))
    assert (error.value.code, error.value.problem()["byte"]) == ("not_utf8", 0)


def test_a_text_that_begins_like_a_binary_file_is_read() -> None:
    assert codes(read(b"ORC,prompt\nx,y\n")) == [{"ORC": "x", "prompt": "y"}]
    assert codes(read(b"ID3,BM\nx,y\n")) == [{"ID3": "x", "BM": "y"}]


@pytest.mark.parametrize("byte", range(256))
def test_any_first_byte_is_read_or_refused(byte: int) -> None:
    for rest in (b"", b"\x00" * 300, bytes(range(256)) * 4, b"abc,def\n1,2\n"):
        with suppress(Invalid, UnsupportedFile):
            read(bytes([byte]) + rest)
