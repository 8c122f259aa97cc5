"""The file store: uploads, fit artifacts and exports, behind fsspec (a local folder or S3)."""

import hashlib
import io
import os
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

import fsspec

from service.config import settings

BLOCK = 1 << 20
INCOMING = "incoming"  # files that are not an upload's, or not yet
VIEWED = "viewer"  # Parquet files of datasets as they are viewed
AUDITS = "audits"  # a folder an audit
ARTIFACTS = "artifacts"  # fits, and files of exports


def store() -> tuple[Any, str]:
    """The file system and the root folder of the settings."""
    return fsspec.url_to_fs(settings.files)  # pyright: ignore[reportReturnType]


def path_of(key: str) -> tuple[Any, str]:
    """Where a key lies. Keys are made by the server: hashes and ids, never a user's name."""
    file_system, root = store()
    return file_system, f"{root.rstrip('/')}/{key}"


def upload_key(sha256: bytes) -> str:
    name = sha256.hex()
    return f"uploads/{name[:2]}/{name}"


def artifact_key(sha256: str) -> str:
    return f"{ARTIFACTS}/{sha256[:2]}/{sha256}"


def audit_key(audit_id: uuid.UUID, sha256: str) -> str:
    return f"{AUDITS}/{audit_id}/{sha256}"


@contextmanager
def open(key: str) -> Generator[IO[bytes]]:
    file_system, path = path_of(key)
    with file_system.open(path, "rb") as file:
        yield cast(IO[bytes], file)


def remove(key: str) -> None:
    """Delete the file of a key, if there is one."""
    file_system, path = path_of(key)
    with suppress(FileNotFoundError):
        file_system.rm(path)


def exists(key: str) -> bool:
    file_system, path = path_of(key)
    return bool(file_system.exists(path))


def delete(key: str) -> None:
    """Nothing happens where no file has the key."""
    file_system, path = path_of(key)
    if file_system.exists(path):
        file_system.rm(path)


class Incoming:
    """A file on its way in: written beside its place, hashed, durable, then renamed.

    `write` blocks; `keep` gives its name by content; `drop` leaves nothing behind.
    """

    def __init__(self) -> None:
        self.key = f"{INCOMING}/{uuid.uuid4().hex}"
        self.file_system, self.path = path_of(self.key)
        self.file_system.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.file = self.file_system.open(self.path, "wb")
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, block: bytes) -> None:
        self.file.write(block)
        self.digest.update(block)
        self.size += len(block)

    def close(self) -> None:
        """Make the file durable where it is."""
        if self.file.closed:
            return
        self.file.flush()
        with suppress(io.UnsupportedOperation):  # not a file of this machine
            os.fsync(self.file.fileno())
        self.file.close()

    def keep(self, key: str) -> None:
        """Make the file durable at its key. The same content may be there already."""
        self.close()
        _, target = path_of(key)
        self.file_system.makedirs(os.path.dirname(target), exist_ok=True)
        self.file_system.mv(self.path, target)

    def drop(self) -> None:
        self.file.close()
        if self.file_system.exists(self.path):
            self.file_system.rm(self.path)


def put(stream: IO[bytes]) -> str:
    """Store what the stream holds by its sha256 and return the key."""
    incoming = Incoming()
    while block := stream.read(BLOCK):
        incoming.write(block)
    key = artifact_key(incoming.digest.hexdigest())
    incoming.keep(key)
    return key


def get(key: str) -> bytes:
    with open(key) as file:
        return file.read()
