"""The fetch job: files from a hub or a URL, each a shard that makes an upload and its job."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import files
from service.config import settings
from service.errors import TooLarge
from service.intake import hub
from service.intake.public_urls import SCHEMES, download
from service.intake.take import take
from service.tables.jobs import Job, Shard
from workers.handler import ShardPlan, Work

READ_AS = ("layout", "mapping", "mode", "on_nul")
REPORT_BYTES = 16 << 20  # between two looks whether the job still goes on
MAX_NAME = 200


class Fetching:
    """Stage `fetch`: a file a shard."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        spec = job.spec
        if "url" in spec:
            name = httpx.URL(spec["url"]).path.rsplit("/", 1)[-1] or "upload"
            return [ShardPlan({"url": spec["url"], "filename": shown(name), "hub": False}, rows=1)]
        found = hub.list_files(spec["repo_id"], spec["config"], spec["split"], spec["revision"])
        return [
            ShardPlan({"url": each.url, "filename": shown(each.path), "hub": True}, rows=1)
            for each in found
        ]

    def run(self, work: Work) -> None:
        dataset = work.job.dataset_id
        assert dataset is not None
        options = {name: work.job.spec[name] for name in READ_AS}
        incoming = files.Incoming()
        try:
            fetch(work, incoming)
            named = {**options, "filename": work.payload["filename"]}
            upload, job, _ = take(work.session, dataset, named, incoming)
        except BaseException:
            incoming.drop()
            raise
        work.result = {"upload_id": str(upload.id), "job_id": str(job.id)}

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        """The uploads in the order of the files."""
        rows = select(Shard.result).where(Shard.job_id == job.id, Shard.stage == 0)
        made = [result for result in session.scalars(rows.order_by(Shard.ordinal)) if result]
        return {
            "uploads": [each["upload_id"] for each in made],
            "jobs": [each["job_id"] for each in made],
        }

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """Files that have arrived stay uploads."""


def fetch(work: Work, incoming: files.Incoming) -> None:
    """Raises TooLarge past the limit of an upload, Invalid where the address is not allowed."""
    looked = 0
    with source(work.payload) as blocks:
        for block in blocks:
            if incoming.size + len(block) > settings.max_upload_bytes:
                detail = f"the file is larger than {settings.max_upload_bytes} bytes"
                raise TooLarge(detail, code="upload_too_large")
            incoming.write(block)
            if incoming.size - looked > REPORT_BYTES:
                looked = incoming.size
                work.report(0)


def source(payload: dict[str, Any]) -> AbstractContextManager[Iterator[bytes]]:
    """The hub's own host is the operator's choice, and the only one that sees the token."""
    if not payload["hub"]:
        return download(payload["url"])
    hub_url = httpx.URL(settings.hf_endpoint)
    own = f"{hub_url.host}:{hub_url.port or SCHEMES[hub_url.scheme]}"
    return download(payload["url"], settings.hf_token, own=own)


def shown(name: str) -> str:
    """The end of the name; never a path."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    return printable[-MAX_NAME:] or "upload"
