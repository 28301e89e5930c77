"""The state directory: where one local cloud keeps everything it writes, and what a later command finds it by."""

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

from local_cloud.processes import ProcessRecord

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DEFAULT_STATE = PROJECT_ROOT / ".local"


class StateError(RuntimeError):
    """The state directory cannot be used."""


@dataclass(frozen=True)
class StateDir:
    """Paths below one directory. Two clouds with two state directories never meet."""

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
        """The warehouse's password, its certificate and the certificate's authority."""
        return self.root / "secrets"

    @property
    def aws_log(self) -> Path:
        return self.root / "aws.log"

    @property
    def warehouse_log(self) -> Path:
        return self.root / "warehouse.log"

    def create(self) -> None:
        """Make the directories, readable for this user only, and begin new logs."""
        for directory in (self.root, self.temporary, self.secrets):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for log in (self.aws_log, self.warehouse_log):
            write_private(log, "")

    def remove(self) -> None:
        """Remove what a cloud wrote, except its logs: they tell why one went down."""
        for file in (self.outputs, self.processes):
            file.unlink(missing_ok=True)
        for directory in (self.temporary, self.warehouse_data, self.secrets):
            shutil.rmtree(directory, ignore_errors=True)

    def read_processes(self) -> tuple[ProcessRecord, ...]:
        """The processes of the cloud that was started here; none when there is none. Raises StateError."""
        try:
            return tuple(
                ProcessRecord.from_json(entry) for entry in json.loads(self.processes.read_text())
            )
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self.processes} is not a list of processes ({error}); remove it"
            ) from error

    def write_processes(self, records: Sequence[ProcessRecord]) -> None:
        write_json(self.processes, [record.as_json() for record in records])

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Only one command at a time starts or stops this cloud. Raises StateError when another one is at it."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StateError(
                    f"another command is starting or stopping the cloud in {self.root}; wait for it"
                ) from error
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, in one step: readers see the old text or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as handle:  # noqa: PTH123
        handle.write(text)
    unfinished.replace(path)


def write_json(path: Path, value: Any) -> None:
    write_private(path, json.dumps(value, indent=2) + "\n")
