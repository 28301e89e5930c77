"""What the library needs of the outside world. Adapters implement these; they raise only errors of etl_core.errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.upload import Upload


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object as S3 has it now. `size` in bytes; `is_current` tells whether its key still means this version."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    is_current: bool


class ObjectStore(Protocol):
    """The lake and the work bucket."""

    def find_version(self, upload: Upload) -> StoredVersion:
        """The upload's version. Raises MissingObjectError when it no longer exists."""
        ...

    def is_current(self, version: StoredVersion) -> bool:
        """Whether the version's key still means this version."""
        ...

    def read(self, version: StoredVersion) -> Iterator[bytes]:
        """The version's bytes from the start, in ranged reads that begin small."""
        ...

    def pin(self, version: StoredVersion, name: str) -> str:
        """Copies the version into the work bucket; returns the copy's s3:// URL."""
        ...

    def write_manifest(self, name: str, text: str) -> str:
        """Writes a manifest into the work bucket; returns its s3:// URL."""
        ...

    def has_schema_file(self, database: str, schema: str, table: str) -> bool:
        """Whether a schema file for the table lies in the lake."""
        ...


class Transaction(Protocol):
    """An open transaction. Raises LockConflictError, ConnectionLostError, LoadFailedError, LoadTimeoutError, MissingTableError."""

    def execute(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        """Runs one statement; its rows, or nothing for statements that give none."""
        ...


class Warehouse(Protocol):
    """The databases of one Redshift."""

    def transaction(self, database: str, timeout_seconds: float) -> AbstractContextManager[Transaction]:
        """A transaction that commits when its block ends and rolls back when an error leaves it.

        No statement runs longer than `timeout_seconds`. A COPY that refuses its data raises CopyRefusedError.
        """
        ...

    def execute_alone(self, database: str, statement: Executable, timeout_seconds: float) -> None:
        """Runs one statement outside of any transaction: what Redshift refuses inside of one. It has committed when this returns.

        Raises what a Transaction's execute raises.
        """
        ...
