"""Makes a database ready for use: newest schema, a first workspace, and a key for it.

Run as `python -m service.bootstrap KEYFILE`; prints the key if it had to make one.
"""

import sys
from pathlib import Path

from sqlalchemy import select

from service import auth, db, schema
from service.tables.access import ApiKey, Workspace

WORKSPACE = "default"


def bootstrap(key_file: Path) -> str | None:
    """Migrate; make the workspace and the key in the file unless they are there and valid."""
    schema.upgrade()
    with db.new_session.begin() as session:
        workspace = session.scalar(select(Workspace).where(Workspace.name == WORKSPACE))
        if workspace is None:
            workspace = Workspace(name=WORKSPACE)
            session.add(workspace)
            session.flush()
        known = auth.digest(key_file.read_text().strip()) if key_file.exists() else b""
        valid = select(ApiKey).where(ApiKey.digest == known, ApiKey.revoked_at.is_(None))
        if session.scalar(valid) is not None:
            return None
        key = auth.create_key(session, workspace, "first key")
    key_file.touch(mode=0o600)
    key_file.chmod(0o600)
    key_file.write_text(f"{key}\n")
    return key


if __name__ == "__main__":
    made = bootstrap(Path(sys.argv[1]))
    if made is not None:
        sys.stdout.write(made)
