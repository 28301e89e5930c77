"""The services that recovery needs.

Adapters implement these ports and raise only errors of etl_core.model.errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from etl_core.model.object_versions import ObjectVersion
from etl_core.model.table_filter import EVERY_TABLE, TableFilter
from etl_core.model.times import utc_now

Entry = Mapping[str, Any]
"""An item of the log, with its key."""

Marker = Mapping[str, Any]
"""Where the next page of S3 or DynamoDB starts. Only the service that returned it reads it."""


@dataclass(frozen=True)
class VersionPage:
    """Versions in the order of S3: by key, then newest first.

    `marker` starts the next page; None at the end.
    """

    versions: Sequence[ObjectVersion]
    marker: Marker | None


class LakeListing(Protocol):
    """The versions in the lake, without delete markers."""

    def read_page(self, marker: Marker | None, limit: int) -> VersionPage:
        """Return the next versions."""
        ...

    def read_versions(self, key: str) -> Sequence[ObjectVersion]:
        """Return all versions of one key, the newest first."""
        ...


class LogReader(Protocol):
    """The log, as reconcile and rebuild-log read and complete it."""

    def read_entries(self, keys: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        """Return the entries that exist under these primary keys."""
        ...

    def read_between(self, table_name: str, first: str, last: str) -> Iterable[dict[str, Any]]:
        """Yield the table's entries whose sort key starts with a value from `first` to `last`, both inclusive."""
        ...

    def read_pending_page(
        self, marker: Marker | None
    ) -> tuple[list[dict[str, Any]], Marker | None]:
        """Return one page of pending entries, and the marker of the next page (None at the end)."""
        ...

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        """Write a final status. Return False if the entry already has one that stays."""
        ...

    def complete_entries(self, entries: Iterable[Mapping[str, Any]]) -> int:
        """Write the index keys of entries of an older version that lack them. Return their number."""
        ...


class FunctionClient(Protocol):
    """A Lambda function of the stack. `etl_core.recovery.wire.ask` adds the types."""

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the function's response.

        Raises RetryableError, or LoadFailedError with the function's own message.
        """
        ...


class Workflow(Protocol):
    """The state machine that every upload goes through."""

    def start(self, event: Mapping[str, Any]) -> str:
        """Start an execution and return its ARN."""
        ...

    def is_running(self, execution_arn: str) -> bool:
        """Return whether the execution is running; False for an unknown one."""
        ...


@dataclass(frozen=True)
class Services:
    """Everything that the reconcile function works with.

    `tables` is the tables function (handlers/tables.py).
    """

    bucket: str
    databases: tuple[str, ...]
    lake: LakeListing
    log: LogReader
    tables: FunctionClient
    workflow: Workflow
    now: Callable[[], datetime] = utc_now
    table_filter: TableFilter = EVERY_TABLE
