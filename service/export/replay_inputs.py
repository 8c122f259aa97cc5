"""Finds the dataset that an export was made from, and says what became of it since."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from service.composing.asked import COMBINED
from service.export.everything import RECIPE_ID
from service.export.replaying import Change, of_versions
from service.tables.datasets import Dataset, Upload, UploadState
from service.tables.erasures import Erasure
from service.tables.pairs import PairBuild


class Inputs(NamedTuple):
    """`dataset` is None where none has what the manifest names; `changes` then say why."""

    dataset: Dataset | None
    changes: list[Change]


def find(
    session: Session, workspace_id: uuid.UUID, described: Mapping[str, Any], named: str | None
) -> Inputs:
    """The dataset with exactly the manifest's files, or the named one if it has them."""
    wanted = [each["sha256"] for each in described["uploads"]]
    found = [
        (dataset, [*missing(session, dataset, wanted)], [*altered(session, dataset, described)])
        for dataset in candidates(session, workspace_id, wanted, named)
    ]
    if not found:
        said = f"no dataset {named}" if named else "no dataset has any of the manifest's files"
        return Inputs(None, [Change("inputs", "uploads", said)])
    found.sort(key=lambda each: (len(each[1]), len(each[2]), each[0].created_at, each[0].id))
    dataset, gone, changed = found[0]
    here = installed(described["versions"])  # the worker may have more, and its manifest says so
    versions = of_versions({name: described["versions"][name] for name in here}, here)
    changes = [*gone, *changed, *versions]
    return Inputs(None if gone else dataset, changes)


def candidates(
    session: Session, workspace_id: uuid.UUID, wanted: Sequence[str], named: str | None
) -> Sequence[Dataset]:
    query = select(Dataset).where(Dataset.workspace_id == workspace_id)
    if named is None:
        hashes = [bytes.fromhex(each) for each in wanted]
        holds = select(Upload.dataset_id).where(Upload.sha256.in_(hashes))
        return session.scalars(query.where(Dataset.id.in_(holds))).all()
    by_id = [Dataset.id == uuid.UUID(named)] if is_id(named) else []
    return session.scalars(query.where(or_(Dataset.name == named, *by_id))).all()


def is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def missing(session: Session, dataset: Dataset, wanted: Sequence[str]) -> Iterator[Change]:
    """Why the dataset's files are not the manifest's; nothing where they are."""
    query = select(Upload).where(
        Upload.dataset_id == dataset.id, Upload.state != UploadState.failed
    )
    uploads = {each.sha256.hex(): each for each in session.scalars(query.order_by(Upload.ordinal))}
    there = [sha256 for sha256, each in uploads.items() if each.state == UploadState.ingested]
    erased = erasures(session, dataset, "upload")
    for sha256 in wanted:
        upload = uploads.get(sha256)
        if upload is None:
            why = f": {erased} uploads of {dataset.name} were erased" if erased else ""
            yield Change("inputs", sha256, f"is not in {dataset.name}{why}")
        elif upload.state != UploadState.ingested:
            yield Change("inputs", sha256, f"is {upload.state.value} in {dataset.name}")
    for sha256 in there:
        if sha256 not in wanted:
            yield Change("inputs", sha256, f"was added to {dataset.name} since")
    if sorted(there) == sorted(wanted) and there != [*wanted]:
        yield Change("inputs", "uploads", f"{dataset.name} has them in another order")


def altered(session: Session, dataset: Dataset, described: Mapping[str, Any]) -> Iterator[Change]:
    """What else an export depends on and is otherwise now."""
    if erased := erasures(session, dataset, "annotator"):
        said = f"what {erased} annotators said was erased from {dataset.name}"
        yield Change("labels", "annotators", said)
    builds = session.scalars(
        select(PairBuild.policy)
        .where(PairBuild.dataset_id == dataset.id, PairBuild.state == "ready")
        .order_by(PairBuild.ordinal)
    ).all()
    before = described["replay"]["pair_builds"]
    if [*builds] != before:
        said = f"{len(builds)} pair builds now, {len(before)} then, or other policies"
        yield Change("pairs", "pair_builds", said)
    if dataset.license != described["license"]:
        yield Change("options", "license", f"{dataset.license} now, {described['license']} then")


def erasures(session: Session, dataset: Dataset, source: str) -> int:
    query = select(func.count()).where(
        Erasure.dataset_id == dataset.id, Erasure.source == source, Erasure.state == "done"
    )
    return session.scalar(query) or 0


def installed(names: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def requests(described: Mapping[str, Any]) -> dict[str, Any]:
    """The bodies of the requests that make the export: subset, evaluate, export.

    Whatever options the manifest has are passed on as they are. A whole dataset needs no subset; a
    subset put together of others is `operation` and, in `of`, the bodies that make those.
    """
    wishes, recipe = described["replay"], described["recipe"]
    split = described.get("split") or {}
    export = {
        "layout": described["layout"],
        **wishes["options"],
        "split_exceptions": split.get("exceptions", {}),
    }
    if labels := described.get("labels"):
        export["labels_sha256"] = labels["audit"]["pairs_sha256"]
    if recipe["id"] == RECIPE_ID:
        return {"subset": None, "evaluate": None, "export": {**export, "where": recipe["where"]}}
    asked = wishes.get("subset", {})
    if recipe["id"] == COMBINED:
        subset = {"operation": recipe["operation"], "of": recipe["of"], **asked}
    else:
        own = {"recipe": recipe, "budget": described["budget"], "seed": described["seed"]}
        subset = {**own, **asked}
    return {"subset": subset, "evaluate": wishes["evaluate"], "export": export}
