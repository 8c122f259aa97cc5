"""The REST API as the command line uses it."""

import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import httpx

Json: TypeAlias = dict[str, Any]

RETRIES = 8
POLL_SECONDS = 0.25
BLOCK = 1 << 18
FINAL = ("succeeded", "failed", "cancelled")


class ApiError(Exception):
    """An answer that is no success, or a failed job; `problem` is its problem+json."""

    exit_code = 1

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        super().__init__(describe(problem))


def describe(problem: Mapping[str, Any]) -> str:
    """One line for people, with the first places that are wrong."""
    detail = str(problem.get("detail") or problem.get("title") or "the request failed")
    places = [
        f"line {error['line']}: {error.get('message')}" if "line" in error else ""
        for error in problem.get("errors", [])[:5]
    ]
    return "; ".join([detail, *filter(None, places)])


class Client:
    """Speaks to one service with one key; 503 and lost connections are tried again."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(60, read=300),
        )

    def get(self, path: str, **query: Any) -> Json:
        return self.request("GET", path, params=query)

    def post(self, path: str, body: Json | None = None) -> Json:
        return self.request("POST", path, json=body or {})

    def request(self, method: str, path: str, **options: Any) -> Json:
        for attempt in range(RETRIES):
            try:
                answer = self.http.request(method, path, **options)
            except httpx.ConnectError as error:
                if attempt == RETRIES - 1:
                    raise ApiError(
                        {"detail": f"no answer from {self.http.base_url}: {error}"}
                    ) from error
            else:
                if answer.status_code != 503 or attempt == RETRIES - 1:
                    return checked(answer)
            time.sleep(min(0.25 * 2**attempt, 4))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def upload(
        self, dataset: str, path: Path, options: Mapping[str, str], sent: Callable[[int], None]
    ) -> Json:
        """Stream a file in; {upload, job}."""

        def blocks() -> Iterator[bytes]:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    yield block
                    sent(len(block))

        answer = self.http.post(
            f"/datasets/{dataset}/uploads",
            params={"filename": path.name, **options},
            content=blocks(),
            headers={"Content-Type": "application/octet-stream"},
        )
        return checked(answer)

    def wait(self, job: Json, seen: Callable[[Json], None]) -> Json:
        """Follow a job to its end; ApiError where it fails."""
        while True:
            seen(job)
            if job["state"] in FINAL:
                break
            time.sleep(POLL_SECONDS)
            job = self.get(f"/jobs/{job['id']}")
        if job["state"] != "succeeded":
            raise ApiError(job["error"] or {"detail": f"the job was {job['state']}"})
        return job

    def cancel(self, job: Json) -> None:
        self.post(f"/jobs/{job['id']}/cancel")

    def unpack(self, export: str, folder: Path) -> None:
        """Download an export's files into an empty folder."""
        with self.http.stream("GET", f"/exports/{export}/archive") as answer:
            if answer.status_code != 200:
                answer.read()
                checked(answer)
            stream = cast(IO[bytes], Body(answer.iter_raw(BLOCK)))
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(folder, filter="data")


class Body:
    """An iterator of blocks as the readable file that tarfile wants."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks, self.rest = blocks, bytearray()

    def read(self, size: int) -> bytes:
        while len(self.rest) < size:
            block = next(self.blocks, b"")
            if not block:
                break
            self.rest += block
        taken = bytes(self.rest[:size])
        del self.rest[:size]
        return taken


def checked(answer: httpx.Response) -> Json:
    """The body of a success; ApiError for a problem."""
    if answer.is_success:
        return answer.json() if answer.content else {}
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": f"HTTP {answer.status_code}: {answer.text[:200]}"}
    raise ApiError(problem)
