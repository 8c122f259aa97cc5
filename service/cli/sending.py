"""Sends a file to a dataset; a large one in parts, so that a lost connection costs little."""

import base64
import hashlib
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson

from service.cli.client import ATTEMPTS, LONGEST_WAIT, Api, ApiError, refusal
from service.config import settings

PART = 16 << 20  # bytes a request
TRY_AGAIN = (409, 423, 503)  # the session says where to go on

Options = dict[str, str]


def send(
    api: Api, dataset: str, path: Path, options: Options, sent: Callable[[int], None]
) -> dict[str, Any]:
    """The upload and its job; `sent` is told how many bytes are safe. Raises ApiError."""
    if path.stat().st_size < settings.resumable_bytes:
        return api.upload(dataset, path, options, sent)
    return Sending(api, dataset, path, options, sent).run()


class Sending:
    """One file in parts. The same file again goes on where it was, also in another process."""

    def __init__(
        self, api: Api, dataset: str, path: Path, options: Options, sent: Callable[[int], None]
    ) -> None:
        self.api, self.dataset, self.path, self.sent = api, dataset, path, sent
        self.options = options
        self.size = path.stat().st_size
        self.attempts, self.best = 0, -1

    def run(self) -> dict[str, Any]:
        at = self.begin(self.key())
        with self.path.open("rb") as file:
            while True:
                offset = self.offset(at)
                if offset is None:  # expired or dropped: its key finds nothing else
                    at = self.begin(str(uuid.uuid4()))
                    continue
                self.progressed(offset)
                file.seek(offset)
                part = file.read(PART)
                if not part and offset < self.size:
                    raise ApiError(f"{self.path.name} became shorter while it was sent")
                answer = self.append(at, offset, part)
                if answer is not None and answer.status_code in (200, 202):
                    self.sent(self.size)
                    return answer.json()
                if answer is not None and answer.is_error and answer.status_code not in TRY_AGAIN:
                    raise refusal(answer)
                if answer is None or answer.is_error:
                    self.wait()

    def key(self) -> str:
        """Of the bytes and the options: the same upload finds its session by it."""
        with self.path.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        said = orjson.dumps([self.dataset, self.sha256, sorted(self.options.items())])
        return hashlib.sha256(said).hexdigest()

    def begin(self, key: str) -> str:
        """Where the session is."""
        query = {**self.options, "size": self.size, "sha256": self.sha256}
        made = self.api.request(
            "POST",
            f"/datasets/{self.dataset}/upload-sessions",
            params=query,
            headers={"Idempotency-Key": key},
        )
        return f"/upload-sessions/{made.json()['id']}"

    def offset(self, at: str) -> int | None:
        """The bytes that are safe; None where the session is gone."""
        try:
            return self.api.get(at)["received"]
        except ApiError as error:
            if error.code != "not_found":
                raise
            return None

    def append(self, at: str, offset: int, part: bytes) -> httpx.Response | None:
        """The answer; None where the connection broke."""
        digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
        headers = {
            "Upload-Offset": str(offset),
            "Upload-Complete": "?1" if offset + len(part) == self.size else "?0",
            "Content-Digest": f"sha-256=:{digest}:",
            "Content-Type": "application/partial-upload",
        }
        try:
            return self.api.http.patch(at, content=part, headers=headers)
        except httpx.TransportError:
            return None

    def progressed(self, offset: int) -> None:
        self.sent(offset)
        if offset > self.best:
            self.attempts, self.best = 0, offset

    def wait(self) -> None:
        """Raises ApiError where nothing has moved for long."""
        self.attempts += 1
        if self.attempts > ATTEMPTS:
            raise ApiError(f"the upload of {self.path.name} stands still at byte {self.best}")
        time.sleep(min(0.25 * 2**self.attempts, LONGEST_WAIT))
