"""Keys that the service signs with; they never leave it."""

from sqlalchemy.orm import Mapped, mapped_column

from service.tables.metadata import Table


class Secret(Table):
    """32 random bytes, made by a migration. A new value voids all that was signed with the old."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes]
