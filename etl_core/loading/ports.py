"""What the library needs of the outside world. Adapters implement these; they raise only errors of etl_core.model.errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.model.errors import LoadErrorLine
from etl_core.model.object_versions import ObjectVersion, StoredVersion
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import LoggedUpload


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

    def schema_folders(self, table: TableRef) -> Iterator[str]:
        """The prefixes under which schema files for the table lie in the lake, in every spelling."""
        ...

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        """Every version of every object under the prefix."""
        ...


class Backlog(Protocol):
    """The log, read for what has no answer yet. It only tells who waits; what took effect is for the ledger to say."""

    def read_pending(self, table: TableRef) -> Sequence[Upload]:
        """The uploads of the table that were received of late and have no answer. Raises ThrottledError."""
        ...

    def find_upload(self, table: TableRef, version: ObjectVersion) -> LoggedUpload | None:
        """What the log has about a version of an object of the table. Raises ThrottledError."""
        ...


class Transaction(Protocol):
    """An open transaction. Raises LockConflictError, ConnectionLostError, LoadFailedError, LoadTimeoutError, MissingTableError."""

    def execute(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        """Runs one statement; its rows, or nothing for statements that give none."""
        ...


class Warehouse(Protocol):
    """The databases of one Redshift."""

    def transaction(
        self, database: str, timeout_seconds: float
    ) -> AbstractContextManager[Transaction]:
        """A transaction that commits when its block ends and rolls back when an error leaves it.

        No statement runs longer than `timeout_seconds`. A COPY that refuses its data raises CopyRefusedError.
        """
        ...

    def execute_alone(self, database: str, statement: Executable, timeout_seconds: float) -> None:
        """Runs one statement outside of any transaction: what Redshift refuses inside of one. It has committed when this returns.

        Raises what a Transaction's execute raises.
        """
        ...

    def try_copy(
        self, database: str, trial: Executable, timeout_seconds: float
    ) -> Sequence[LoadErrorLine]:
        """Runs a COPY's trial; the rows that it refuses, those with the lowest line numbers first. Loads nothing.

        None may mean that the load-error view does not tell. Raises what a Transaction's execute raises, but for CopyRefusedError.
        """
        ...
