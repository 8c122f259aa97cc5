"""Replays of exports: what to ask for, of which dataset, and what differs afterwards."""

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from service import files
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Invalid
from service.export import manifest as manifests
from service.export.replay_inputs import find, requests
from service.export.replaying import changes
from service.routes.exports import ExportDep, ready_files
from service.routes.idempotent import IdempotentRoute

router = APIRouter(prefix="/api/v1", tags=["exports"], route_class=IdempotentRoute)

NEEDED = (
    "layout", "license", "versions", "uploads", "recipe", "budget", "seed", "replay", "files",
)  # fmt: skip


class ManifestIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    manifest: dict[str, Any] = Field(description="a whole manifest.json")


class ReplayIn(ManifestIn):
    dataset: str | None = Field(
        default=None, description="name or id; else any that has the manifest's files"
    )


class ChangeOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    what: str = Field(
        description="inputs, pairs, labels, scores, recipe, seed, options, evaluation, version, "
        "manifest, file",
        examples=["version"],
    )
    name: str = Field(examples=["pyarrow"])
    message: str = Field(examples=["22.0.0 now, 21.0.0 then"])


class ReplayOut(BaseModel):
    """The bodies for POST /datasets/{id}/subsets, /subsets/{id}/evaluate, /subsets/{id}/exports,
    in this order; without `subset`, `export` is for /datasets/{id}/exports. A `subset` with
    `operation` and `of` is for /subsets/combine, once each body in `of` has made its own."""

    dataset_id: uuid.UUID | None = Field(description="null where the inputs are not there")
    changes: list[ChangeOut] = Field(description="what is known to be otherwise beforehand")
    subset: dict[str, Any] | None
    evaluate: dict[str, Any] | None
    export: dict[str, Any]


class ComparisonOut(BaseModel):
    same: bool = Field(description="every file has the same bytes")
    changes: list[ChangeOut]


@router.post("/exports/replay", response_model=ReplayOut)
def plan_replay(body: ReplayIn, session: SessionDep, workspace: WorkspaceDep) -> dict[str, Any]:
    """What to ask for to make an export again, and from which dataset. Nothing is started.

    Names inputs that were withdrawn, erased or added since."""
    described = checked(body.manifest)
    try:
        found = find(session, workspace.id, described, body.dataset)
        bodies = requests(described)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Invalid(f"the manifest can't be read: {error!r}", code="bad_manifest") from None
    dataset_id = found.dataset.id if found.dataset else None
    return {"dataset_id": dataset_id, "changes": found.changes, **bodies}


@router.post("/exports/{export_id}/compare", response_model=ComparisonOut)
def compare_export(body: ManifestIn, export: ExportDep) -> dict[str, Any]:
    """Is this export what the manifest says, byte for byte? If not, what changed."""
    described = checked(body.manifest)
    with files.open(ready_files(export)[manifests.NAME]["key"]) as file:
        new = orjson.loads(file.read())
    found = changes(described, new)
    return {"same": not found, "changes": found}


def checked(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises Invalid for what is no manifest, or one of before exports said what was asked for."""
    absent = [name for name in NEEDED if name not in manifest]
    if absent or manifest.get("format") != manifests.FORMAT:
        lacks = f"lacks {', '.join(absent)}" if absent else "is of another format"
        raise Invalid(f"the manifest {lacks}: it can't be replayed", code="bad_manifest")
    return manifest
