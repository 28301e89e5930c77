"""The ports of a load to S3, Redshift and the log.

Adapters implement them and raise only errors of etl_core.model.errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.model.errors import EtlError, LoadErrorLine
from etl_core.model.long_copy import LongCopyResult
from etl_core.model.object_versions import ObjectVersion, OpenedVersion, StoredVersion
from etl_core.model.table_ref import TableRef
from etl_core.model.times import utc_now
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import LoggedUpload
from etl_core.upload_log.outcome import LoadOutcome


class ObjectStore(Protocol):
    """The lake and the work bucket."""

    def open(self, upload: Upload) -> OpenedVersion:
        """Return the upload's version and its first bytes.

        Raises MissingObjectError if it no longer exists.
        """
        ...

    def is_current(self, version: StoredVersion) -> bool:
        """Return whether the version is its key's current one."""
        ...

    def read(self, version: StoredVersion, start: int = 0) -> Iterator[bytes]:
        """Yield the version's bytes from `start`, in ranged reads."""
        ...

    def pin(self, version: StoredVersion, name: str) -> str:
        """Copy the version into the work bucket and return the copy's s3:// URL."""
        ...

    def write_copy(self, name: str, chunks: Iterator[bytes]) -> str:
        """Write the chunks into the work bucket as they come, and return the object's s3:// URL."""
        ...

    def write_object(self, name: str, content: bytes, content_type: str) -> str:
        """Write an object into the work bucket and return its s3:// URL."""
        ...

    def schema_folders(self, table: TableRef) -> Iterator[str]:
        """Yield the lake's prefixes that hold schema files for the table, in every spelling."""
        ...

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        """Return every version of every object under the prefix."""
        ...


class Backlog(Protocol):
    """The log, read for pending uploads.

    It only says which uploads are pending; the ledger decides which took effect.
    """

    def read_pending(self, table: TableRef, most: int) -> Sequence[Upload]:
        """Return the table's pending uploads that were received recently, the oldest first, at most
        `most`.

        Raises ThrottledError.
        """
        ...

    def find_effects(self, table: TableRef) -> Iterator[Upload]:
        """Yield the uploads that changed the table according to the log.

        Raises ThrottledError.
        """
        ...

    def find_upload(self, table: TableRef, version: ObjectVersion) -> LoggedUpload | None:
        """Return the log's entry for a version of one of the table's objects.

        Raises ThrottledError.
        """
        ...


class Answers(Protocol):
    """The log, written for uploads that another upload's load decided."""

    def write_answer(self, upload: Upload, outcome: LoadOutcome) -> bool:
        """Write an upload's final status.

        Return False, with nothing changed, if its entry already has one that stays. Raises
        ThrottledError or LogError.
        """
        ...

    def write_totals(self) -> None:
        """Add the answers since the last call to the totals of their tables."""
        ...


class Transaction(Protocol):
    """An open transaction.

    Raises LockConflictError, ConnectionLostError, LoadFailedError, LoadTimeoutError,
    MissingTableError.
    """

    def execute(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        """Run one statement and return its rows.

        The result is empty for a statement that returns no rows.
        """
        ...

    def change(self, statement: Executable) -> int:
        """Run one statement that changes rows, and return how many it changed."""
        ...

    def lock(self, statement: Executable) -> None:
        """Run a LOCK, which waits for some seconds at most.

        Raises LockConflictError if another session keeps the lock for longer.
        """
        ...

    def roll_back(self) -> None:
        """Undo everything. The block then ends without an effect."""
        ...


class WarehouseClient(Protocol):
    """The databases of one Redshift."""

    def transaction(
        self, database: str, timeout_seconds: float
    ) -> AbstractContextManager[Transaction]:
        """Open a transaction that commits when the block ends and rolls back when the block raises.

        No statement runs longer than `timeout_seconds`. A COPY that refuses its data raises
        CopyRefusedError.
        """
        ...

    def execute_autocommit(
        self, database: str, statement: Executable, timeout_seconds: float
    ) -> None:
        """Run one statement that Redshift does not allow inside a transaction.

        It is committed when this returns. Raises the same errors as Transaction.execute.
        """
        ...

    def try_copy(
        self, database: str, trial: Executable, timeout_seconds: float
    ) -> Sequence[LoadErrorLine]:
        """Run a trial COPY, which loads nothing, and return the rows that it refuses, lowest line numbers first.

        An empty result may also mean that the load-error view has no rows yet. Raises the same
        errors as Transaction.execute, except CopyRefusedError.
        """
        ...

    def read_failure(self, database: str, result: LongCopyResult) -> EtlError:
        """Return the error of a long copy that failed; of a refused COPY with the rows that it refuses."""
        ...

    def close(self) -> None:
        """Close the connection that transactions share. The next transaction opens another one."""
        ...


@dataclass(frozen=True)
class Ports:
    """The ports of one load, and its clock."""

    store: ObjectStore
    warehouse: WarehouseClient
    backlog: Backlog
    now: Callable[[], datetime] = utc_now
    answers: Answers = field(kw_only=True)
