"""The pair policies that this service knows. The same for everyone: no key needed."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from curation.pairing import KINDS, POLICIES

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


class PolicyLine(BaseModel):
    id: str = Field(examples=["best_vs_worst"])
    kind: str
    title: str
    paper: str | None = Field(description="arXiv id")
    sha256: str
    policy: dict[str, Any] = Field(description="with every default filled in")


class PolicyKind(BaseModel):
    kind: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON schema of the specification")


class PoliciesOut(BaseModel):
    policies: list[PolicyLine]
    kinds: list[PolicyKind]


@router.get("/policies")
def list_policies() -> PoliciesOut:
    """The pair policies that come with prefsift, and the kinds that an own one can have."""
    return policies()


def policies() -> PoliciesOut:
    return PoliciesOut(
        policies=[
            PolicyLine(
                id=name, kind=policy.kind_of(), title=policy.title, paper=policy.paper,
                sha256=policy.sha256(), policy=policy.model_dump(mode="json"),
            )
            for name, policy in POLICIES.items()
        ],
        kinds=[
            PolicyKind(
                kind=kind, description=(policy.__doc__ or "").strip(),
                parameters=policy.model_json_schema(),
            )
            for kind, policy in KINDS.items()
        ],
    )  # fmt: skip
