"""What differs between two subsets."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from service.auth import WorkspaceDep
from service.db import SessionDep
from service.diff.comparing import EXAMPLES, compare
from service.diff.result import Diff
from service.diff.subsets import of_subset
from service.routes.idempotent import IdempotentRoute
from service.routes.owned import owned
from service.routes.subsets import SubsetDep
from service.tables.subsets import Subset

router = APIRouter(prefix="/api/v1", tags=["subsets"], route_class=IdempotentRoute)

ExamplesQuery = Annotated[int, Query(ge=0, le=1000, description="pair ids of each kind")]


@router.get("/subsets/{subset_id}/diff/{other_id}", response_model=Diff)
def diff_subsets(
    subset: SubsetDep,
    other_id: uuid.UUID,
    session: SessionDep,
    workspace: WorkspaceDep,
    examples: ExamplesQuery = EXAMPLES,
) -> Diff:
    """From the first (a) to the other (b): pairs added, removed, flipped (the same two texts of a
    prompt, chosen and rejected exchanged), rescored, and how far each column's values shifted.

    The subsets may be of different datasets. Of large ones, compare exported folders instead.
    """
    other = owned(session, workspace, Subset, other_id)
    return compare(of_subset(session, subset), of_subset(session, other), examples)
