"""Pushes an exported folder to a hub in one commit; what arrived before is not sent again."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from httpx2 import HTTPError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import disable_progress_bars

from service.errors import Conflict, Invalid, Unavailable
from service.export import manifest
from service.export.verify import verify

HUB = "https://huggingface.co"
OURS = ("data/", "provenance/")  # folders of an export: an earlier one's files there must go


class Target(NamedTuple):
    """Where to: `repo` is user/name. The token goes to `endpoint` and nowhere else."""

    repo: str
    token: str
    endpoint: str = HUB
    revision: str | None = None
    private: bool = False


class Pushed(NamedTuple):
    repo: str
    commit: str
    url: str
    files: int
    bytes: int
    deleted: tuple[str, ...]  # data of an earlier export


def push(folder: Path, target: Target, moved: Callable[[int], None] = lambda _: None) -> Pushed:
    """Upload exactly the files of the manifest. `moved` is told the size of each that is up.

    The commit is the last request, so that a failure leaves the repository as it was.
    Raises Invalid where the folder differs from its manifest or the hub refuses, Conflict where
    the repository is public or holds other data, Unavailable where the hub does not answer.
    """
    files = checked(folder)
    constants.HF_HUB_DISABLE_XET = target.endpoint.rstrip("/") != HUB  # others speak plain LFS
    disable_progress_bars()
    with explained(target):
        api = HfApi(endpoint=target.endpoint, token=target.token)
        found = prepared(api, target)
        stale = stale_files(target.repo, [each.rfilename for each in found.siblings or ()], files)
        uploads = [CommitOperationAdd(name, folder / name) for name in files]
        for upload in uploads:
            place: dict[str, Any] = {"repo_type": "dataset", "revision": target.revision}
            api.preupload_lfs_files(target.repo, [upload], **place, free_memory=False)
            moved(upload.upload_info.size)
        deleted = [CommitOperationDelete(name) for name in stale]
        done = api.create_commit(
            target.repo,
            [*uploads, *deleted],
            commit_message="Add a prefsift export",
            repo_type="dataset",
            revision=target.revision,
            parent_commit=found.sha,  # somebody else's push in between fails this one
        )
    size = sum(upload.upload_info.size for upload in uploads)
    return Pushed(target.repo, done.oid, done.commit_url, len(files), size, tuple(stale))


def checked(folder: Path) -> list[str]:
    """The files of the manifest, and it."""
    differences = verify(folder)
    if differences:
        first = differences[0]
        detail = f"{folder} is not what its manifest says: {first.file} {first.message}"
        raise Invalid(detail, code="export_differs")
    return sorted([*manifest.load(folder)["files"], manifest.NAME])


def prepared(api: HfApi, target: Target) -> Any:
    """The repository, made where it is missing, at the head of the branch."""
    api.create_repo(target.repo, repo_type="dataset", private=target.private, exist_ok=True)
    if target.revision is not None:
        api.create_branch(target.repo, branch=target.revision, repo_type="dataset", exist_ok=True)
    found = api.dataset_info(target.repo, revision=target.revision)
    if target.private and not found.private:
        raise Conflict(f"{target.repo} is there and is public", code="repository_is_public")
    return found


def stale_files(repo: str, there: Sequence[str], files: Sequence[str]) -> list[str]:
    """Data of an earlier export, which `load_dataset` would mix with ours."""
    stale = sorted(name for name in {*there} - {*files} if name.startswith(OURS))
    if stale and manifest.NAME not in there:
        detail = f"{repo} holds data of something else, {stale[0]}: name a new repository"
        raise Conflict(detail, code="repository_taken")
    return stale


@contextmanager
def explained(target: Target) -> Generator[None]:
    """The hub's errors as ours; whatever it said, the token is not in them."""
    try:
        yield
    except (HfHubHTTPError, ValueError) as error:  # its own errors, and answers that are none
        said = (str(error).strip().splitlines() or ["refused"])[-1]
        detail = f"the hub does not take {target.repo}: {said}".replace(target.token, "***")
        raise Invalid(detail, code="hub_refused") from None
    except (HTTPError, OSError, RuntimeError) as error:
        cause = error.__cause__ or error
        detail = f"the hub at {target.endpoint} stopped: {cause}".replace(target.token, "***")
        raise Unavailable(detail, code="hub_unreachable") from None
