"""Speaks to the REST API: retries what can be retried, streams files, follows jobs."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from service.cli.mapping import in_words
from service.cli.option_names import listed, of_options, option

ATTEMPTS = 8  # about 25 s in all: a database that restarts is back by then
LONGEST_WAIT = 5.0  # seconds
POLL_SECONDS = 0.25
CHUNK = 1 << 20
SHOWN_ROWS = 3  # bad rows that an error names
FINAL = ("succeeded", "failed", "cancelled")

Job = dict[str, Any]


class ApiError(Exception):
    """A request was refused, a job failed, or nothing answers; the message is for people."""

    def __init__(self, message: str, *, code: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.code, self.exit_code = code, exit_code


class Api:
    """One API and a key for it. Paths are below /api/v1."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(60, connect=10),
        )

    def get(self, path: str, **query: Any) -> Any:
        return self.request("GET", path, params=given(query)).json()

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        found = self.request("POST", path, json=body, params=given(query), headers=headers)
        return found.json()

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a keyset-paged list."""
        cursor: str | None = None
        while True:
            page = self.get(path, **query, cursor=cursor)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def request(
        self, method: str, path: str, body: Callable[[], Iterator[bytes]] | None = None, **rest: Any
    ) -> httpx.Response:
        """`body` is called anew for each attempt. Raises ApiError.

        503 is retried, and so is a broken connection where repeating does no harm: reading, what
        has a key, and uploading, because the same bytes again find the first upload.
        """
        keyed = "Idempotency-Key" in rest.get("headers", {})
        repeatable = method == "GET" or body is not None or keyed
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self.http.request(method, path, content=body() if body else None, **rest)
            except httpx.TransportError as error:
                never_sent = isinstance(error, httpx.ConnectError)
                if attempt == ATTEMPTS or not (repeatable or never_sent):
                    raise ApiError(f"{self.http.base_url.host} does not answer: {error}") from error
            else:
                under_way = keyed and response.status_code == 409 and is_under_way(response)
                if attempt == ATTEMPTS or not (response.status_code == 503 or under_way):
                    break
            time.sleep(min(0.25 * 2**attempt, LONGEST_WAIT))
        if response.is_error:
            raise refusal(response)
        return response

    def upload(
        self, dataset_id: str, path: Path, options: dict[str, str], sent: Callable[[int], None]
    ) -> dict[str, Any]:
        """Stream a file as the raw body; `sent` is told how many bytes have left so far."""

        def body() -> Iterator[bytes]:
            done = 0
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
                    done += len(chunk)
                    sent(done)

        headers = {
            "Content-Length": str(path.stat().st_size),
            "Content-Type": "application/octet-stream",
        }
        where = f"/datasets/{dataset_id}/uploads"
        return self.request("POST", where, body, params=options, headers=headers).json()

    def follow(self, job: Job, seen: Callable[[Job], None]) -> Job:
        """Tell `seen` of the job until it has ended well. Raises ApiError if it has not."""
        while True:
            seen(job)
            if job["state"] in FINAL:
                break
            time.sleep(POLL_SECONDS)
            job = self.get(f"/jobs/{job['id']}")
        if job["state"] != "succeeded":
            raise ended_badly(job)
        return job

    def cancel(self, job: Job) -> None:
        """Ask for the job's end; one that has ended already is left alone."""
        try:
            self.post(f"/jobs/{job['id']}/cancel")
        except ApiError as error:
            if error.code != "job_state":
                raise

    def download(self, path: str, target: Path) -> str:
        """Write what the path answers to a new file; the sha256 of the bytes."""
        digest = hashlib.sha256()
        try:
            with self.http.stream("GET", path) as response, target.open("xb") as file:
                if response.is_error:
                    response.read()
                    raise refusal(response)
                for chunk in response.iter_bytes(CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        except httpx.TransportError as error:
            raise ApiError(f"the download of {path} broke off: {error}") from error
        return digest.hexdigest()


def given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def is_under_way(response: httpx.Response) -> bool:
    """The first request with this key has no answer yet."""
    return refusal(response).code == "in_progress"


def refusal(response: httpx.Response) -> ApiError:
    """The problem+json of an answer as an error."""
    try:
        problem: Any = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        problem = None
    if not isinstance(problem, dict) or "detail" not in problem:
        return ApiError(f"the API answered {response.status_code}: {response.text[:200]}")
    return of_problem(problem, 2 if response.status_code in (400, 401, 404, 422) else 1)


def advised(problem: dict[str, Any]) -> str:
    """Its detail; where that proposes a mapping, as options of the command line."""
    before, _, after = str(problem["detail"]).partition("; try mapping=")
    if not problem.get("suggestion"):
        return str(problem["detail"])
    known = after.partition("; known layouts: ")[2]
    return f"{before}; known layouts: {known}; try: {in_words(problem['suggestion'])}"


def of_problem(problem: dict[str, Any], exit_code: int, *, asked: bool = True) -> ApiError:
    """`asked`: the request is refused, so that its fields are options; else a job failed."""
    code = problem.get("code")
    if code == "invalid_request" and problem.get("errors"):
        return ApiError(of_options(problem["errors"]), code=code, exit_code=exit_code)
    detail = advised(problem)
    said = {name: problem.get(name) for name in ("line", "column", "field")}
    if f"'{said['field']}'" in detail:
        said["field"] = None
    elif asked and said["field"] and not said["line"]:
        field = str(said["field"])
        detail = f"{option(field)}: {detail.removeprefix(f'{field}: ').removeprefix(f'{field} ')}"
        said["field"] = None
    where = [f"{name} {value}" for name, value in said.items() if value]
    place = f" ({', '.join(where)})" if where else ""
    rows = [
        f"line {row['line']}: {row['message']} ({row['code']})"
        for row in (problem.get("errors") or [])[:SHOWN_ROWS]
        if "line" in row
    ]
    detail = "; ".join([f"{detail}{place}", *rows, *listed(detail)])
    return ApiError(detail, code=code, exit_code=exit_code)


def ended_badly(job: Job) -> ApiError:
    if job["state"] == "cancelled":
        return ApiError(f"the {job['kind']} job was cancelled", code="cancelled")
    problem = job["error"] or {"detail": "no reason was recorded", "code": None}
    # `--strict` refused the file: its own exit code, for scripts.
    error = of_problem(problem, 3 if problem.get("code") == "rejected_rows" else 1, asked=False)
    said = f"{job['kind']} failed: {error}"
    if error.code == "recipe_needs":
        said += f"; `prefsift recipes --dataset {job['dataset_id']}` says which recipes run"
    return ApiError(said, code=error.code, exit_code=error.exit_code)
