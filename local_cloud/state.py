"""The state directory: the files of one local cloud, through which a later command finds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.errors import LocalCloudError
from local_cloud.processes import ProcessRecord

PROJECT_ROOT = Path(__file__).resolve().parents[1]
"""The folder that contains the packages: a checkout, or site-packages."""
IS_CHECKOUT = (PROJECT_ROOT / "pyproject.toml").is_file()
DEFAULT_STATE = (PROJECT_ROOT if IS_CHECKOUT else Path.cwd()) / ".local"


class StateError(LocalCloudError):
    """The state directory cannot be used."""


@dataclass(frozen=True)
class StateDir:
    """The paths below one state directory.

    Clouds with different state directories are independent.
    """

    root: Path

    @property
    def outputs(self) -> Path:
        return self.root / "outputs.json"

    @property
    def processes(self) -> Path:
        return self.root / "processes.json"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def warehouse_data(self) -> Path:
        return self.root / "warehouse"

    @property
    def secrets(self) -> Path:
        """The emulator's password, its certificate and the certificate authority."""
        return self.root / "secrets"

    @property
    def aws_log(self) -> Path:
        return self.root / "aws.log"

    @property
    def warehouse_log(self) -> Path:
        return self.root / "warehouse.log"

    def create(self) -> None:
        """Create the directories, readable by this user only, and empty the logs."""
        for directory in (self.root, self.temporary, self.secrets):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for log in (self.aws_log, self.warehouse_log):
            write_private(log, "")

    def remove(self) -> None:
        """Remove the cloud's files except its logs, which explain a crash."""
        for file in (self.outputs, self.processes):
            file.unlink(missing_ok=True)
        for directory in (self.temporary, self.warehouse_data, self.secrets):
            shutil.rmtree(directory, ignore_errors=True)

    def read_processes(self) -> tuple[ProcessRecord, ...]:
        """Return the processes of the cloud that was started here, or an empty tuple.

        Raises StateError.
        """
        try:
            return tuple(
                ProcessRecord.from_json(entry) for entry in json.loads(self.processes.read_text())
            )
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self.processes} is not a list of processes ({error}); remove the file"
            ) from error

    def write_processes(self, records: Sequence[ProcessRecord]) -> None:
        write_json(self.processes, [record.as_json() for record in records])

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Allow one command at a time to start or stop this cloud.

        Raises StateError when another one holds the lock.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StateError(
                    f"another command is starting or stopping the cloud in {self.root}; "
                    "wait until it has finished"
                ) from error
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file atomically that only this user can read."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as handle:  # noqa: PTH123
        handle.write(text)
    unfinished.replace(path)


def write_json(path: Path, value: Any) -> None:
    write_private(path, json.dumps(value, indent=2) + "\n")
