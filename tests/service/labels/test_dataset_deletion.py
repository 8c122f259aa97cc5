"""A deleted dataset leaves no file of a fit or an export behind, and takes nobody else's."""

import io
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import files
from service.sweeping import remove_artifacts
from service.tables.access import Workspace
from service.tables.scores import FitRow
from service.tables.subsets import Export, Subset
from tests.service.test_sweeping import age
from tests.workers.dataset import add_dataset
from tests.workers.subsets import add_subset


def exported(session: Session, subset: Subset, *contents: bytes) -> list[str]:
    """The keys of the files of an export."""
    keys = [files.put(io.BytesIO(content)) for content in contents]
    written: dict[str, Any] = {f"{at}.txt": {"key": key} for at, key in enumerate(keys)}
    session.add(
        Export(subset_id=subset.id, layout="csv", options={}, state="ready", files=written)
    )  # fmt: skip
    session.flush()
    return keys


def test_files_of_fits_and_exports_go_with_their_dataset_unless_another_has_them(
    client: TestClient, session: Session, workspace: Workspace
) -> None:
    gone, stays = (add_dataset(session, workspace, 4) for _ in range(2))
    own, shared = exported(session, add_subset(session, gone), b"only here", b"in both")
    [other] = exported(session, add_subset(session, stays), b"in both")
    [fit, its] = session.scalars(select(FitRow.artifact).order_by(FitRow.id))
    session.commit()
    assert (shared, fit) == (other, its)  # what was learnt is equal, too
    assert client.delete(f"/api/v1/datasets/{gone.id}").status_code == 204
    assert [files.exists(key) for key in (own, shared, fit)] == [False, True, True]
    assert client.delete(f"/api/v1/datasets/{stays.id}").status_code == 204
    assert [files.exists(key) for key in (own, shared, fit)] == [False, False, False]


def test_a_sweep_takes_the_files_that_nobody_names_any_more(
    session: Session, workspace: Workspace
) -> None:
    [named] = exported(session, add_subset(session, add_dataset(session, workspace, 2)), b"named")
    stray = files.put(io.BytesIO(b"of a worker that was killed"))
    session.commit()
    assert stray not in remove_artifacts()  # young
    age(files.ARTIFACTS)
    assert stray in remove_artifacts()
    assert (files.exists(named), files.exists(stray)) == (True, False)
