"""`?labels=raw|consensus|denoised`: whose labels a read or an export shows."""

import uuid
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from service.db import SessionDep
from service.review.labels import By, Labels, LabelsOf, PairLabel, Says, labels_of
from service.routes.datasets import DatasetDep


class LabelOut(BaseModel):
    """What a label says that is not the raw one."""

    says: Says = Field(
        description="chosen or tie; of one pair also both_bad and drop: pages leave these out"
    )
    flipped: bool = Field(description="chosen and rejected have changed places")
    p_chosen: float | None = Field(
        description="P(chosen is better); null where it is the raw label"
    )
    by: By = Field(description="whose label it is", examples=["verdict"])

    @classmethod
    def of(cls, label: PairLabel) -> "LabelOut":
        return cls(says=label.says, flipped=label.flipped, p_chosen=label.p_chosen, by=label.by)


LabelsQuery = Annotated[
    LabelsOf,
    Query(
        description="raw as uploaded; consensus of the annotators, by the latest ready audit; "
        "denoised by its actions and the verdicts of reviews. Nothing stored changes"
    ),
]
LabelsVersion = Annotated[
    int | None, Query(ge=0, description="of the verdicts; the newest without")
]
LabelsAudit = Annotated[
    uuid.UUID | None, Query(description="an audit; the latest ready one without")
]


def wanted_labels(
    dataset: DatasetDep,
    session: SessionDep,
    labels: LabelsQuery = "raw",
    labels_version: LabelsVersion = None,
    labels_audit: LabelsAudit = None,
) -> Labels | None:
    return labels_of(session, dataset.id, labels, labels_version, labels_audit)


LabelsDep = Annotated[Labels | None, Depends(wanted_labels, scope="function")]
