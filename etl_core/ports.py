"""What the library needs of the outside world. Adapters implement these; they raise only errors of etl_core.errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.errors import LoadErrorLine
from etl_core.lake_key import LakeKey
from etl_core.listed import LakeVersion
from etl_core.log import Status
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


@dataclass(frozen=True)
class LoggedUpload:
    """An upload as the log knows it."""

    upload: Upload
    status: Status


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

    def schema_folders(self, key: LakeKey) -> Iterator[str]:
        """The prefixes under which schema files for the key's table lie in the lake, in every spelling."""
        ...

    def list_versions(self, prefix: str) -> Sequence[LakeVersion]:
        """Every version of every object under the prefix."""
        ...


class Backlog(Protocol):
    """The log, read for what has no answer yet. It only tells who waits; what took effect is for the ledger to say."""

    def waiting(self, key: LakeKey) -> Sequence[Upload]:
        """The uploads of the key's table that were received of late and have no answer. Raises ThrottledError."""
        ...

    def find(self, key: LakeKey, version: LakeVersion) -> LoggedUpload | None:
        """What the log has about a version of an object of the key's table. Raises ThrottledError."""
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

    def try_copy(self, database: str, trial: Executable, timeout_seconds: float) -> Sequence[LoadErrorLine]:
        """Runs a COPY's trial; the rows that it refuses, those with the lowest line numbers first. Loads nothing.

        None may mean that the load-error view does not tell. Raises what a Transaction's execute raises, but for CopyRefusedError.
        """
        ...
