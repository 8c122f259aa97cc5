"""What a request names by its id: the workspace's own, or not found, whoever else has it."""

import uuid
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.subsets import Export, Subset

Row = TypeVar("Row")


def owned(
    session: Session, workspace: Workspace, table: type[Row], id: uuid.UUID, *conditions: Any
) -> Row:
    """The row of this id that meets the conditions. Raises NotFound, the same for a row of
    another workspace as for none at all."""
    mapped: Any = table
    query = select(table).where(mapped.id == id, *conditions)
    if hasattr(table, "workspace_id"):
        query = query.where(mapped.workspace_id == workspace.id)
    else:
        if table is Export:
            query = query.join(Subset)
        query = query.join(Dataset).where(Dataset.workspace_id == workspace.id)
    found = session.scalar(query)
    if found is None:
        raise NotFound(f"no {mapped.__tablename__.removesuffix('s').replace('_', ' ')} {id}")
    return found
